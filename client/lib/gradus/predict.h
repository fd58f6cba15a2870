// SPDX-License-Identifier: Apache-2.0
// Answers of a published model for rows of numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/client.h"
#include "inference/grpc_predict_v2.pb.h"

namespace gradus {

// Rows of one of a model's inputs.
struct PredictInput {
  // As in the model's metadata.
  std::string name;
  // Rows, then the shape of one.
  std::vector<int64_t> shape;
  // In C order.
  std::vector<float> values;
};

// Asks the version that `ref` means when the first rows are answered, in as many requests as it
// takes for any number of rows.
//   Returns  all outputs, with their values in fp32_contents.
//   Errors   as Client; INVALID_ARGUMENT where the values are not those of the shape, or inputs have
//            different numbers of rows.
absl::StatusOr<inference::ModelInferResponse> Predict(const Client& client, const std::string& ref,
                                                      const std::vector<PredictInput>& inputs);

}  // namespace gradus
