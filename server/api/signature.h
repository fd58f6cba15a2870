// SPDX-License-Identifier: Apache-2.0
// What a model takes and gives, as clients of the inference protocol see it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/v1/model.pb.h"

namespace gradus::api {

struct SignatureTensor {
  std::string name;
  std::vector<int64_t> shape;  // of one row
  int64_t values = 0;          // product of shape
};

// Inputs are called as layers call them ("input" where there is one), outputs as their layers.
struct Signature {
  std::vector<SignatureTensor> inputs;
  std::vector<SignatureTensor> outputs;
};

// INVALID_ARGUMENT for a definition that is none.
absl::StatusOr<Signature> SignatureOf(const v1::ModelSpec& spec);

// Values of a row of all these together.
int64_t RowValues(const std::vector<SignatureTensor>& tensors);

}  // namespace gradus::api
