# SPDX-License-Identifier: Apache-2.0
# cmake -D OUT=file.cc -D FILES="NNNN_name.sql|..." -P embed.cmake: the migrations as a table in C++.
string(REPLACE "|" ";" files "${FILES}")
set(rows "")
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  string(REGEX REPLACE "^0*([0-9]+)_.*$" "\\1" version "${name}")
  file(READ ${file} sql)
  string(APPEND rows "    {${version}, \"${name}\", R\"sql(${sql})sql\"},\n")
endforeach()
file(WRITE ${OUT}.new
"// SPDX-License-Identifier: Apache-2.0
// Written by migrations/embed.cmake.
#include \"server/store/migrations.h\"

namespace gradus::store {
namespace {

constexpr Migration kMigrations[] = {
${rows}};

}  // namespace

std::span<const Migration> Migrations() { return kMigrations; }

}  // namespace gradus::store
")
file(COPY_FILE ${OUT}.new ${OUT} ONLY_IF_DIFFERENT)
