// SPDX-License-Identifier: Apache-2.0
// Turning uploaded files into columns, somewhere a crash does no harm.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/dataset_service.pb.h"

namespace gradus::registry {

// One file to be parsed.
struct ParseInput {
  v1::UploadFile file;      // what it is said to be; `name` is for messages
  std::string input_path;   // the bytes as uploaded
  std::string output_path;  // an empty file that takes the raw little-endian values
};

// What was found in it. Sizes are claims of the parser: whoever takes them checks them against the
// output.
struct ParsedColumn {
  int64_t rows = 0;
  v1::Column column;  // without name and blob
};

class Parser {
 public:
  virtual ~Parser() = default;

  // One column an input, in their order. Each output file is at most `max_output` bytes.
  //   Threads  any; blocks until all is parsed.
  //   Errors   INVALID_ARGUMENT with field "files[i]" when the data are bad; RESOURCE_EXHAUSTED for
  //   a full disk; INTERNAL when the parser itself ended
  //            badly or took too long.
  virtual absl::StatusOr<std::vector<ParsedColumn>> Parse(const std::vector<ParseInput>& inputs,
                                                          int64_t max_output) = 0;
};

}  // namespace gradus::registry
