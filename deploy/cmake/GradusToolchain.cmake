# SPDX-License-Identifier: Apache-2.0
# How every translation unit is compiled: language, code generation, sanitizers, compiler cache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)

# For libraries and programs alike, so that one precompiled header serves both; executables are PIE all the same.
add_compile_options(-fPIC)

# Same bits on every build: no fused multiply-add where the source has two roundings. A lab installs
# one build on many machines, so nothing newer than GRADUS_MARCH is assumed.
add_compile_options(-ffp-contract=off)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-march=${GRADUS_MARCH})
endif()
add_link_options(-Wl,--as-needed)

if(GRADUS_FAILPOINTS)
  add_compile_definitions(GRADUS_FAILPOINTS=1)
endif()

if(GRADUS_SANITIZE)
  add_compile_options(-fsanitize=${GRADUS_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GRADUS_SANITIZE})
  # For what a sanitized program cannot do: limit its address space, count its allocations.
  add_compile_definitions(GRADUS_SANITIZED)
  if(GRADUS_SANITIZE MATCHES "thread")
    # Protobuf's headers lay maps out in another way where it is set, and its library was built without it.
    add_compile_options(-U__SANITIZE_THREAD__)
  endif()
  if(GRADUS_SANITIZE MATCHES "undefined")
    # It needs the type information of every base class, and SOCI's library hides its own.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()

if(GRADUS_TIDY)
  find_program(GRADUS_CLANG_TIDY NAMES clang-tidy REQUIRED)
endif()

# The cache is shared between checkouts: paths below the source tree are stored relative, and the
# working directory, which line tables name, is mapped away.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
find_program(GRADUS_CCACHE ccache)
if(GRADUS_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${GRADUS_CCACHE})
endif()
