# SPDX-License-Identifier: Apache-2.0
# The words that folders' CMake lists are written in: folders, libraries, programs, families of kinds, tests.

set(GRADUS_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)

# Warnings that every hand-written source is compiled with. Two that GCC 12 raises without a cause are off:
# -Wrestrict on string concatenation (GCC bug 105651), -Wmaybe-uninitialized on StatusOr and optional.
add_library(gradus_warnings INTERFACE)
target_compile_options(gradus_warnings INTERFACE
  -Werror -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wvla
  -Wno-missing-field-initializers -Wno-error=invalid-pch
  $<$<CXX_COMPILER_ID:GNU>:-Wsuggest-override -Wno-restrict -Wno-maybe-uninitialized>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Winconsistent-missing-override>)

# Adds every folder below `root` that has a CMakeLists.txt, not looking further into those.
function(gradus_add_folders root)
  set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${root})
  if(EXISTS ${folder}/CMakeLists.txt)
    add_subdirectory(${folder})
    return()
  endif()
  file(GLOB children CONFIGURE_DEPENDS LIST_DIRECTORIES true RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${folder}/*)
  foreach(child IN LISTS children)
    if(IS_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/${child})
      gradus_add_folders(${child})
    endif()
  endforeach()
endfunction()

# Roots of includes, warnings, precompiled header and clang-tidy, alike for libraries, programs and tests.
function(gradus_compile_settings target pch)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/client/lib>
    $<BUILD_INTERFACE:${GRADUS_GENERATED_DIR}>)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:gradus_warnings>)
  if(pch)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:gradus_grpc_pch>)
    target_precompile_headers(${target} REUSE_FROM gradus_grpc_pch)
  endif()
  if(GRADUS_TIDY)
    set_target_properties(${target} PROPERTIES CXX_CLANG_TIDY "${GRADUS_CLANG_TIDY};--quiet")
  endif()
endfunction()

# gradus_library(plan SOURCES plan.cc ... HEADERS plan.h ... DEPS gradus::graph ...
#                [PRIVATE_DEPS OpenMP::OpenMP_CXX ...] [PCH])
# One folder's static library: target gradus_plan, alias gradus::plan. Without SOURCES it is headers alone.
# PRIVATE_DEPS: what the headers do not show, so that its include folders and flags reach nobody else.
# PCH: the sources include gRPC.
function(gradus_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PCH" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gradus_library(${name}): what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  set(target gradus_${name})
  if(arg_SOURCES)
    add_library(${target} STATIC ${arg_SOURCES})
    gradus_compile_settings(${target} ${arg_PCH})
    target_link_libraries(${target} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS})
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
    set_target_properties(${target} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ${GRADUS_VERIFY_HEADERS})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE
      ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/client/lib ${GRADUS_GENERATED_DIR})
    target_link_libraries(${target} INTERFACE ${arg_DEPS} ${arg_PRIVATE_DEPS})
    target_sources(${target} INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${arg_HEADERS})
  endif()
  add_library(gradus::${name} ALIAS ${target})
endfunction()

# gradus_program(gradusd SOURCES main.cc DEPS gradus::api ... [PCH] [INTERNAL])
# An executable in bin/ of the build tree; installed to bin, or to libexec/gradus where it is INTERNAL.
function(gradus_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PCH;INTERNAL" "" "SOURCES;DEPS")
  add_executable(${name} ${arg_SOURCES})
  gradus_compile_settings(${name} ${arg_PCH})
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(arg_INTERNAL)
    install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/gradus)
  else()
    install(TARGETS ${name} DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endfunction()

# gradus_family(activations ActivationKind relu leaky_relu selu
#               [HEADER engine/layers/activations/kind.h] [NAMESPACE gradus::activations]
#               [SOURCES more.cc ...] [HEADERS kind.h ...] DEPS ...)
# A library of kinds: compiles relu.cc ..., each of which defines `extern constinit const ActivationKind relu_kind`,
# and writes the one definition of `std::span<const ActivationKind* const> Table()`, which HEADER declares
# (by default kind.h beside the list). The table names every member, so no linker can drop one.
function(gradus_family family type)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "HEADER;NAMESPACE" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS")
  set(words ${arg_UNPARSED_ARGUMENTS})
  if(NOT words)
    message(FATAL_ERROR "gradus_family(${family}) has no member")
  endif()
  if(NOT arg_HEADER)
    file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    set(arg_HEADER ${folder}/kind.h)
  endif()
  if(NOT arg_NAMESPACE)
    set(arg_NAMESPACE gradus::${family})
  endif()
  list(TRANSFORM words APPEND ".cc" OUTPUT_VARIABLE sources)
  set(declarations "")
  foreach(word IN LISTS words)
    string(APPEND declarations "extern const ${type} ${word}_kind;\n")
  endforeach()
  list(TRANSFORM words REPLACE "(.+)" "&\\1_kind" OUTPUT_VARIABLE pointers)
  list(JOIN pointers ", " pointers)
  set(GRADUS_FAMILY_HEADER ${arg_HEADER})
  set(GRADUS_FAMILY_NAMESPACE ${arg_NAMESPACE})
  set(GRADUS_FAMILY_TYPE ${type})
  set(GRADUS_FAMILY_DECLARATIONS "${declarations}")
  set(GRADUS_FAMILY_POINTERS "${pointers}")
  set(table ${CMAKE_CURRENT_BINARY_DIR}/${family}_table.cc)
  configure_file(${PROJECT_SOURCE_DIR}/deploy/cmake/family_table.cc.in ${table} @ONLY)
  gradus_library(${family} SOURCES ${sources} ${arg_SOURCES} ${table} HEADERS ${arg_HEADERS}
    DEPS ${arg_DEPS} PRIVATE_DEPS ${arg_PRIVATE_DEPS})
endfunction()

# gradus_test(plan SOURCES plan_test.cc ... DEPS gradus::plan ... [LABEL unit] [SERIAL] [TIMEOUT 120] [PCH])
# One GoogleTest executable a folder (plan_test), each of its tests known to ctest as plan.Suite.Name.
# LABEL: unit (the default: no server process; also run under ASan in CI), integration, robustness, conformance.
# SERIAL: its tests need the machine alone.
function(gradus_test name)
  if(NOT GRADUS_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL;PCH" "LABEL;TIMEOUT" "SOURCES;DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gradus_test(${name}): what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(GRADUS_SANITIZE)
    math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 5")
  endif()
  set(target ${name}_test)
  add_executable(${target} ${arg_SOURCES})
  gradus_compile_settings(${target} ${arg_PCH})
  target_link_libraries(${target} PRIVATE ${arg_DEPS} GTest::gmock GTest::gtest_main)
  set(serial "")
  if(arg_SERIAL)
    set(serial RUN_SERIAL TRUE)
  endif()
  gtest_discover_tests(${target} TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} ${serial})
  set_property(GLOBAL APPEND PROPERTY GRADUS_LABEL_${arg_LABEL} ${target})
  gradus_remember_tests(${arg_SOURCES})
endfunction()

# gradus_script_test(layering SCRIPT layering_test.py [ARGS ...] [LABEL integration] [SERIAL] [TIMEOUT 120]
#                    [ENVIRONMENT NAME=value ...])
# One Python program that is one test to ctest.
function(gradus_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "SCRIPT;LABEL;TIMEOUT" "ARGS;ENVIRONMENT")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "gradus_script_test(${name}): what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  if(NOT arg_LABEL)
    set(arg_LABEL integration)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  cmake_path(ABSOLUTE_PATH arg_SCRIPT NORMALIZE)
  add_test(NAME ${name} COMMAND Python3::Interpreter -B ${arg_SCRIPT} ${arg_ARGS})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
    RUN_SERIAL "${arg_SERIAL}" ENVIRONMENT "${arg_ENVIRONMENT}")
  gradus_remember_tests(${arg_SCRIPT})
endfunction()

# Notes which test sources are built; tests/layering compares with those on disk.
function(gradus_remember_tests)
  foreach(source IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH source NORMALIZE)
    set_property(GLOBAL APPEND_STRING PROPERTY GRADUS_TEST_SOURCES "${source}\n")
  endforeach()
endfunction()

# To be called once, after all tests: the target unit_tests, and the list of test sources for tests/layering.
function(gradus_finish_tests)
  get_property(unit_tests GLOBAL PROPERTY GRADUS_LABEL_unit)
  add_custom_target(unit_tests DEPENDS ${unit_tests})
  get_property(sources GLOBAL PROPERTY GRADUS_TEST_SOURCES)
  file(WRITE ${PROJECT_BINARY_DIR}/test_sources.txt "${sources}")
endfunction()
