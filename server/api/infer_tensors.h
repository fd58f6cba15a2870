// SPDX-License-Identifier: Apache-2.0
// Tensors of the inference protocol to the rows that a model takes, and back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/grpc_predict_v2.pb.h"
#include "server/api/signature.h"

namespace gradus::api {

// A request's rows, checked.
struct InferRows {
  int64_t rows = 0;
  // As in v1::ServeRequest.
  std::string inputs;
  // Indices into the signature's outputs, in the order they are wanted in.
  std::vector<size_t> outputs;
};

// INVALID_ARGUMENT with the field's path, what was found and what is allowed.
absl::StatusOr<InferRows> ReadInferRequest(const inference::ModelInferRequest& request,
                                           const Signature& signature);

// Adds the wanted outputs to `response`: raw bytes where the request had such, else lists.
// `values`: as in v1::ServeAnswer.outputs, of all outputs.
//   Errors   INTERNAL where these are not as many as rows have.
absl::Status FillInferResponse(const inference::ModelInferRequest& request, const InferRows& rows,
                               const Signature& signature, const std::string& values,
                               inference::ModelInferResponse* response);

}  // namespace gradus::api
