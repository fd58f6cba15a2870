# SPDX-License-Identifier: Apache-2.0
# Everything from outside, found once. Which folder may use what is the rule of tests/layering.

find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL 3 REQUIRED)

# Module mode, and before gRPC: Debian has no protobuf config package, and gRPC's looks for one.
find_package(Protobuf 3.21 MODULE REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(gRPC CONFIG REQUIRED)

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(oneDNN 2.6 REQUIRED)
find_package(SQLite3 REQUIRED)
# The client's library.
find_package(PostgreSQL 14 REQUIRED)
find_package(SOCI 4 REQUIRED)
find_package(nlohmann_json 3.11 CONFIG REQUIRED)
# Its schema and checker alone.
find_package(ONNX 1.12 CONFIG REQUIRED)
find_package(yaml-cpp 0.7 CONFIG REQUIRED)
find_package(CLI11 2.1 CONFIG REQUIRED)
find_package(spdlog 1.10 CONFIG REQUIRED)
find_package(Gloo 0.5 CONFIG REQUIRED)
# Its C functions alone.
set(MPI_CXX_SKIP_MPICXX ON)
find_package(MPI REQUIRED COMPONENTS CXX)

if(GRADUS_TESTS)
  find_package(GTest 1.12 CONFIG REQUIRED)
  find_package(benchmark 1.7 CONFIG REQUIRED)
  # The distribution's Python first: it is the one that has the modules of deploy/packages.
  set(Python3_ROOT_DIR /usr)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  include(GoogleTest)
endif()
