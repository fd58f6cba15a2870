# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts in place so that others' programs can find_package(gradus).

include(CMakePackageConfigHelpers)

# The package that brings each outside target; the config file looks for those that are really linked.
set(GRADUS_PACKAGES
  "Threads::|Threads" "ZLIB::|ZLIB" "OpenSSL::|OpenSSL" "protobuf::|Protobuf MODULE" "absl::|absl CONFIG"
  "gRPC::|gRPC CONFIG" "yaml-cpp|yaml-cpp CONFIG" "nlohmann_json::|nlohmann_json CONFIG" "spdlog::|spdlog CONFIG")

# gradus_install_client(client): installs gradus::client, every library of ours that it links, its headers, the
# messages' headers and the .proto files. The libraries and what they need from outside are read from the targets,
# so that nothing has to be listed twice.
function(gradus_install_client name)
  gradus_link_closure(gradus_${name} ours outside)
  set(archives "")
  foreach(target IN LISTS ours)
    list(APPEND archives ${CMAKE_STATIC_LIBRARY_PREFIX}${target}${CMAKE_STATIC_LIBRARY_SUFFIX})
  endforeach()
  gradus_packages_of("${outside}" packages)
  set(GRADUS_ARCHIVES ${archives})
  set(GRADUS_OUTSIDE ${outside})
  set(GRADUS_FIND_DEPENDENCIES "${packages}")
  set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/gradus)
  set(GRADUS_LIBDIR ${CMAKE_INSTALL_LIBDIR})
  set(GRADUS_INCLUDEDIR ${CMAKE_INSTALL_INCLUDEDIR})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/deploy/cmake/gradusConfig.cmake.in
    ${PROJECT_BINARY_DIR}/gradusConfig.cmake INSTALL_DESTINATION ${destination}
    PATH_VARS GRADUS_LIBDIR GRADUS_INCLUDEDIR)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake COMPATIBILITY SameMinorVersion)

  set(where COMPONENT client)
  install(FILES ${PROJECT_BINARY_DIR}/gradusConfig.cmake ${PROJECT_BINARY_DIR}/gradusConfigVersion.cmake
    DESTINATION ${destination} ${where})
  foreach(target IN LISTS ours)
    install(FILES $<TARGET_FILE:${target}> DESTINATION ${CMAKE_INSTALL_LIBDIR} ${where})
  endforeach()
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/client/lib/gradus DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${where}
    FILES_MATCHING PATTERN *.h)
  install(DIRECTORY ${GRADUS_GENERATED_DIR}/gradus DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${where}
    FILES_MATCHING PATTERN *.pb.h PATTERN *.grpc.pb.h EXCLUDE)
  install(DIRECTORY ${GRADUS_GENERATED_DIR}/inference DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} ${where}
    FILES_MATCHING PATTERN *.pb.h PATTERN *.grpc.pb.h EXCLUDE)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/proto/gradus ${PROJECT_SOURCE_DIR}/proto/inference DESTINATION ${CMAKE_INSTALL_DATADIR}/gradus/proto ${where}
    FILES_MATCHING PATTERN *.proto)
endfunction()

# Our static libraries below `target`, each before those that it needs, and the outside targets that they link.
function(gradus_link_closure target ours_out outside_out)
  set(ours "")
  set(outside "")
  gradus_visit_links(${target})
  list(REVERSE ours)
  list(REMOVE_DUPLICATES outside)
  set(${ours_out} ${ours} PARENT_SCOPE)
  set(${outside_out} ${outside} PARENT_SCOPE)
endfunction()

# Depth first; a library is noted after all that it links. Reads and writes the caller's `ours` and `outside`.
macro(gradus_visit_links target)
  gradus_links_of(${target} links_${target})
  foreach(link_${target} IN LISTS links_${target})
    if(link_${target} MATCHES "^gradus_")
      if(NOT link_${target} IN_LIST ours)
        gradus_visit_links(${link_${target}})
      endif()
    else()
      list(APPEND outside ${link_${target}})
    endif()
  endforeach()
  get_target_property(type_${target} ${target} TYPE)
  if(type_${target} STREQUAL "STATIC_LIBRARY")
    list(APPEND ours ${target})
  endif()
endmacro()

# What a target links, with aliases and generator expressions resolved; what is for the build alone is left out.
function(gradus_links_of target out)
  get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
  set(resolved "")
  foreach(link IN LISTS links)
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
    if(NOT link OR link MATCHES "BUILD_INTERFACE")
      continue()
    endif()
    if(TARGET ${link})
      get_target_property(aliased ${link} ALIASED_TARGET)
      if(aliased AND aliased MATCHES "^gradus_")
        set(link ${aliased})
      endif()
    endif()
    list(APPEND resolved ${link})
  endforeach()
  set(${out} ${resolved} PARENT_SCOPE)
endfunction()

# The config file's find_dependency lines; a target of an unknown package ends the configuration.
function(gradus_packages_of outside out)
  set(lines "")
  foreach(target IN LISTS outside)
    set(found FALSE)
    foreach(entry IN LISTS GRADUS_PACKAGES)
      string(REGEX MATCH "^(.*)\\|(.*)$" _ "${entry}")
      string(FIND "${target}" "${CMAKE_MATCH_1}" position)
      if(position EQUAL 0)
        set(found TRUE)
        list(APPEND lines "find_dependency(${CMAKE_MATCH_2})")
      endif()
    endforeach()
    if(NOT found)
      message(FATAL_ERROR "gradus_install_client: which package brings ${target}? Add it to GRADUS_PACKAGES.")
    endif()
  endforeach()
  # Protobuf before gRPC, whose own config would look for a config package that Debian has not.
  list(REMOVE_DUPLICATES lines)
  list(SORT lines CASE SENSITIVE)
  list(JOIN lines "\n" text)
  set(${out} "${text}" PARENT_SCOPE)
endfunction()
