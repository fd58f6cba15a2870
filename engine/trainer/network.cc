// SPDX-License-Identifier: Apache-2.0
#include "engine/trainer/network.h"

#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/trainer/weights_file.h"

namespace gradus::trainer {
namespace {

// The tensors in the graph's order.
absl::StatusOr<std::vector<plan::NamedTensor>> InOrder(const graph::Graph& graph,
                                                       std::vector<plan::NamedTensor> tensors) {
  std::map<std::string, plan::NamedTensor> by_name;
  for (plan::NamedTensor& tensor : tensors) by_name[tensor.name] = std::move(tensor);
  std::vector<plan::NamedTensor> ordered;
  for (const graph::Parameter& parameter : graph.parameters()) {
    const auto found = by_name.find(parameter.name);
    if (found == by_name.end() || found->second.shape != parameter.shape) {
      return absl::DataLossError(absl::StrCat("the model's weights have no tensor \"",
                                              parameter.name, "\" of the shape that it has"));
    }
    ordered.push_back(std::move(found->second));
  }
  return ordered;
}

}  // namespace

absl::StatusOr<Network> OpenNetwork(const graph::Graph& graph, const data::BlobOpener& open_blob,
                                    const v1::BlobRef& index) {
  ASSIGN_OR_RETURN(std::vector<plan::NamedTensor> tensors, ReadWeights(open_blob, index));
  ASSIGN_OR_RETURN(std::vector<plan::NamedTensor> weights, InOrder(graph, std::move(tensors)));
  return Network{graph, std::move(weights)};
}

absl::StatusOr<graph::Folded> FoldNetwork(const Network& whole) {
  std::vector<std::vector<float>> values;
  for (const plan::NamedTensor& tensor : whole.weights) values.push_back(tensor.values);
  return graph::Fold(whole.graph, values);
}

absl::StatusOr<Network> NetworkOf(graph::Folded folded) {
  ASSIGN_OR_RETURN(graph::Graph graph, graph::Graph::Create(folded.spec));
  std::vector<plan::NamedTensor> weights;
  for (size_t i = 0; i < folded.weights.size(); ++i) {
    const graph::Parameter& parameter = graph.parameters()[i];
    weights.push_back({parameter.name, parameter.shape, std::move(folded.weights[i])});
  }
  return Network{std::move(graph), std::move(weights)};
}

}  // namespace gradus::trainer
