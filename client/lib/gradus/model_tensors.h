// SPDX-License-Identifier: Apache-2.0
// A model's weights as arrays in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/client.h"
#include "gradus/v1/model_service.pb.h"

namespace gradus {

// One array of f32 in C order.
struct Tensor {
  std::string name;  // LAYER/kernel, LAYER/bias, ... as in Keras
  std::vector<int64_t> shape;
  std::vector<float> values;
};

struct FetchedModel {
  // With its spec.
  v1::Model model;
  // In the order of its layers.
  std::vector<Tensor> tensors;

  // Null where there is none of that name.
  const Tensor* Find(const std::string& name) const;
};

// The tensors of the layers that are named, or that one slice as in Python says (":-1"); of all
// where none is. Only their bytes are moved, by way of the folder for temporary files; ModelCache
// keeps what may be wanted again.
//   Errors   as FetchModel in model_fetch.h.
absl::StatusOr<FetchedModel> FetchModel(const Client& client, const std::string& ref,
                                        const std::vector<std::string>& layers);

// The tensors in a weights file that was fetched, weights.safetensors of a folder or snapshot.
//   Errors   INVALID_ARGUMENT for a file that is none, or has tensors of other types than F32; what
//            the file system says, with the path.
absl::StatusOr<std::vector<Tensor>> ReadTensors(const std::string& file);

}  // namespace gradus
