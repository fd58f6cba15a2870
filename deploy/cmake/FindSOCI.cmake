# SPDX-License-Identifier: Apache-2.0
# SOCI as SOCI::core, SOCI::sqlite3 and SOCI::postgresql. Debian packages no config for it. SQLite3 and PostgreSQL's client
# library are to be found before.

find_path(SOCI_INCLUDE_DIR soci/soci.h)
find_library(SOCI_CORE_LIBRARY soci_core)
find_library(SOCI_SQLITE3_LIBRARY soci_sqlite3)
find_library(SOCI_POSTGRESQL_LIBRARY soci_postgresql)
if(SOCI_INCLUDE_DIR)
  file(STRINGS ${SOCI_INCLUDE_DIR}/soci/version.h line REGEX "^#define SOCI_LIB_VERSION ")
  string(REGEX REPLACE ".*\"([0-9_]+)\".*" "\\1" SOCI_VERSION "${line}")
  string(REPLACE "_" "." SOCI_VERSION "${SOCI_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SOCI
  REQUIRED_VARS SOCI_CORE_LIBRARY SOCI_SQLITE3_LIBRARY SOCI_POSTGRESQL_LIBRARY SOCI_INCLUDE_DIR VERSION_VAR SOCI_VERSION)

function(soci_target name library)
  if(TARGET SOCI::${name})
    return()
  endif()
  add_library(SOCI::${name} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(SOCI::${name} PROPERTIES
    IMPORTED_LOCATION ${library} INTERFACE_INCLUDE_DIRECTORIES ${SOCI_INCLUDE_DIR})
endfunction()

if(SOCI_FOUND)
  soci_target(core ${SOCI_CORE_LIBRARY})
  soci_target(sqlite3 ${SOCI_SQLITE3_LIBRARY})
  soci_target(postgresql ${SOCI_POSTGRESQL_LIBRARY})
  target_link_libraries(SOCI::sqlite3 INTERFACE SOCI::core SQLite::SQLite3)
  target_link_libraries(SOCI::postgresql INTERFACE SOCI::core PostgreSQL::PostgreSQL)
endif()
mark_as_advanced(SOCI_INCLUDE_DIR SOCI_CORE_LIBRARY SOCI_SQLITE3_LIBRARY SOCI_POSTGRESQL_LIBRARY)
