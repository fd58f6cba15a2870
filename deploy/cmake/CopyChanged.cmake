# SPDX-License-Identifier: Apache-2.0
# cmake -D FROM=dir -D TO=dir -P CopyChanged.cmake: copies code, leaving files that are already the same untouched.
file(GLOB_RECURSE files RELATIVE ${FROM} ${FROM}/*.h ${FROM}/*.cc)
foreach(file IN LISTS files)
  cmake_path(GET file PARENT_PATH folder)
  file(MAKE_DIRECTORY ${TO}/${folder})
  file(COPY_FILE ${FROM}/${file} ${TO}/${file} ONLY_IF_DIFFERENT)
endforeach()
