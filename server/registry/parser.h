// SPDX-License-Identifier: Apache-2.0
// Turning uploaded files into columns or weights, somewhere a crash does no harm.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/model.pb.h"
#include "gradus/v1/upload.pb.h"
#include "gradus/v1/weights.pb.h"

namespace gradus::registry {

// One file to be parsed.
struct ParseInput {
  v1::UploadFile file;      // what it is said to be; `name` is for messages
  std::string input_path;   // the bytes as uploaded
  std::string output_path;  // an empty file that takes the raw little-endian values
};

// What was found in a file. Sizes are claims of the parser: whoever takes them checks them against
// the output.
struct ParsedColumn {
  size_t file = 0;    // index of its input
  int64_t rows = 0;   // its values stand behind those of the file's earlier columns
  v1::Column column;  // without blob; its name is the array's, where the file has names
};

// A model, likewise a claim.
struct ParsedModel {
  v1::ModelSpec spec;  // defaults filled in
  // The pieces stand one behind the other in the output; their blobs have sizes and no digests.
  v1::WeightsIndex weights;
  std::string weights_sha256;  // as in Job.weights_sha256
};

class Parser {
 public:
  virtual ~Parser() = default;

  // One column or more an input, in the inputs' order. All outputs together are at most
  // `max_output` bytes.
  //   Threads  any; blocks until all is parsed.
  //   Errors   INVALID_ARGUMENT with field "files[i]" when the data are bad; RESOURCE_EXHAUSTED for
  //            a full disk; INTERNAL when the parser itself ended badly or took too long.
  virtual absl::StatusOr<std::vector<ParsedColumn>> Parse(const std::vector<ParseInput>& inputs,
                                                          int64_t max_output) = 0;

  // The weights of `spec` out of a file of tensors, or both out of a file that has both: then
  // `spec` is empty.
  //   Errors   as Parse, with the field "file".
  virtual absl::StatusOr<ParsedModel> ParseModel(const ParseInput& input, const v1::ModelSpec& spec,
                                                 int64_t max_output) = 0;
};

}  // namespace gradus::registry
