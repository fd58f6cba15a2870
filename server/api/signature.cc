// SPDX-License-Identifier: Apache-2.0
#include "server/api/signature.h"

#include "engine/base/status.h"
#include "engine/graph/graph.h"

namespace gradus::api {

absl::StatusOr<Signature> SignatureOf(const v1::ModelSpec& spec) {
  ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(spec));
  Signature signature;
  for (const graph::ModelInput& input : graph.inputs())
    signature.inputs.push_back({input.name, input.shape, input.values});
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const graph::Node& node = graph.nodes()[static_cast<size_t>(graph.outputs()[i])];
    signature.outputs.push_back({node.name, node.output_shape, graph.output_values(i)});
  }
  return signature;
}

int64_t RowValues(const std::vector<SignatureTensor>& tensors) {
  int64_t values = 0;
  for (const SignatureTensor& tensor : tensors) values += tensor.values;
  return values;
}

}  // namespace gradus::api
