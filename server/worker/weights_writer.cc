// SPDX-License-Identifier: Apache-2.0
#include "server/worker/weights_writer.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "engine/formats/weights_index.h"

namespace gradus::worker {
namespace {

std::string Encoded(const google::protobuf::Message& message) {
  return absl::Base64Escape(message.SerializeAsString());
}

}  // namespace

absl::Status WeightsWriter::Add(std::span<const float> values) {
  digest_.Add(values);
  return output_.Append(std::as_bytes(values));
}

nlohmann::json WeightsWriter::Finish() {
  std::vector<v1::WeightsTensor> tensors;
  for (const graph::Parameter& parameter : graph_.parameters()) {
    v1::WeightsTensor& tensor = tensors.emplace_back();
    tensor.set_name(parameter.name);
    tensor.mutable_shape()->Assign(parameter.shape.begin(), parameter.shape.end());
  }
  return {{"spec", Encoded(graph_.spec())},
          {"weights", Encoded(formats::CutWeights(std::move(tensors)))},
          {"weights_sha256", digest_.Finish()}};
}

}  // namespace gradus::worker
