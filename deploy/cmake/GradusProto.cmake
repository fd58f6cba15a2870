# SPDX-License-Identifier: Apache-2.0
# Code from .proto files, and the descriptor set that the compatibility test compares.

# gradus_generate_protos(ROOT dir MESSAGES gradus/v1/job ... SERVICES gradus/v1/job_service ...)
# Writes NAME.pb.{h,cc} for all, NAME.grpc.pb.{h,cc} and mocks for SERVICES, and gradus.v1.desc.
# One command makes everything; what came out unchanged keeps its time stamp, so that a changed .proto
# rebuilds its own users only.
function(gradus_generate_protos)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "ROOT" "MESSAGES;SERVICES")
  set(staging ${CMAKE_CURRENT_BINARY_DIR}/staging)
  set(descriptors ${CMAKE_CURRENT_BINARY_DIR}/gradus.v1.desc)
  list(TRANSFORM arg_MESSAGES PREPEND ${arg_ROOT}/ OUTPUT_VARIABLE message_files)
  list(TRANSFORM message_files APPEND .proto)
  list(TRANSFORM arg_SERVICES PREPEND ${arg_ROOT}/ OUTPUT_VARIABLE service_files)
  list(TRANSFORM service_files APPEND .proto)

  set(message_code ${arg_MESSAGES})
  list(TRANSFORM message_code APPEND .pb.cc)
  set(service_code ${arg_SERVICES})
  list(TRANSFORM service_code APPEND .grpc.pb.cc)
  set(headers ${message_code} ${service_code})
  list(TRANSFORM headers REPLACE "\\.cc$" ".h")
  set(mocks ${arg_SERVICES})
  list(TRANSFORM mocks APPEND _mock.grpc.pb.h)
  foreach(list IN ITEMS message_code service_code headers mocks)
    list(TRANSFORM ${list} PREPEND ${GRADUS_GENERATED_DIR}/)
  endforeach()

  add_custom_command(
    OUTPUT ${message_code} ${service_code} ${headers} ${mocks} ${descriptors}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${staging} ${GRADUS_GENERATED_DIR}
    COMMAND protobuf::protoc -I ${arg_ROOT} --cpp_out=${staging}
      --descriptor_set_out=${staging}/gradus.v1.desc ${message_files}
    COMMAND protobuf::protoc -I ${arg_ROOT} --grpc_out=generate_mock_code=true:${staging}
      --plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin> ${service_files}
    COMMAND ${CMAKE_COMMAND} -E copy_if_different ${staging}/gradus.v1.desc ${descriptors}
    COMMAND ${CMAKE_COMMAND} -D FROM=${staging} -D TO=${GRADUS_GENERATED_DIR}
      -P ${PROJECT_SOURCE_DIR}/deploy/cmake/CopyChanged.cmake
    DEPENDS ${message_files} ${PROJECT_SOURCE_DIR}/deploy/cmake/CopyChanged.cmake
    COMMENT "Generating code from .proto files" VERBATIM)

  gradus_generated_library(proto SOURCES ${message_code} DEPS protobuf::libprotobuf)
  gradus_generated_library(proto_grpc SOURCES ${service_code} DEPS gradus::proto gRPC::grpc++)
  set_property(TARGET gradus_proto PROPERTY GRADUS_DESCRIPTOR_SET ${descriptors})
endfunction()

# Generated code is nobody's to fix: no warnings from it, and its headers count as system headers.
function(gradus_generated_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  add_library(gradus_${name} STATIC ${arg_SOURCES})
  add_library(gradus::${name} ALIAS gradus_${name})
  target_compile_options(gradus_${name} PRIVATE -w)
  target_include_directories(gradus_${name} SYSTEM PUBLIC $<BUILD_INTERFACE:${GRADUS_GENERATED_DIR}>)
  target_link_libraries(gradus_${name} PUBLIC ${arg_DEPS})
endfunction()
