// SPDX-License-Identifier: Apache-2.0
// A model's card in Markdown.
#include <google/protobuf/util/time_util.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gradus/model_fetch.h"
#include "proto/support/utf8.h"
#include "proto/support/yaml_printer.h"

namespace gradus {
namespace {

// Text in a table's cell.
std::string Cell(absl::string_view text) {
  return absl::StrReplaceAll(support::Printable(text, true), {{"|", "\\|"}, {"<", "&lt;"}});
}

void Fact(absl::string_view name, absl::string_view value, std::string& card) {
  if (!value.empty()) absl::StrAppend(&card, "| ", name, " | ", Cell(value), " |\n");
}

void Layers(const v1::Model& model, std::string& card) {
  card += "\n## Layers\n\n| layer | type | output shape | parameters |\n|---|---|---|---:|\n";
  for (const v1::LayerSummary& layer : model.layers()) {
    absl::StrAppend(&card, "| ", Cell(layer.name()), " | ", Cell(layer.type()), " | (",
                    absl::StrJoin(layer.output_shape(), ", "), ") | ", layer.params(), " |\n");
  }
}

void Metrics(const v1::Model& model, std::string& card) {
  if (model.metrics().empty()) return;
  card += "\n## Metrics\n\n| name | value |\n|---|---:|\n";
  const std::map<std::string, double> sorted(model.metrics().begin(), model.metrics().end());
  for (const auto& [name, value] : sorted)
    absl::StrAppend(&card, "| ", Cell(name), " | ", absl::SixDigits(value), " |\n");
}

const char* WhatLiesBeside(v1::FetchModelRequest::Format format) {
  if (format == v1::FetchModelRequest::ONNX) {
    return "`model.json` holds this definition, `model.onnx` the network for other programs: "
           "inputs and outputs in f32 under the model's names, rows along the first axis.\n";
  }
  return "`model.json` holds this definition, `weights.safetensors` the weights: tensors named "
         "LAYER/kernel and LAYER/bias, f32, dense kernels as (inputs, units).\n";
}

void Recipe(const v1::Model& model, std::string& card) {
  if (!model.has_recipe()) return;
  absl::StrAppend(&card, "\n## Recipe\n\n```yaml\n",
                  support::Printable(support::PrintYaml(model.recipe())), "```\n");
}

}  // namespace

std::string ModelCard(const v1::Model& model, v1::FetchModelRequest::Format format) {
  if (!model.card().empty()) return model.card();
  std::string card = absl::StrCat("# ", Cell(model.name()), ", version ", model.version(),
                                  "\n\n| | |\n|---|---|\n");
  Fact("published by", model.owner(), card);
  if (model.has_created_at())
    Fact("published at", google::protobuf::util::TimeUtil::ToString(model.created_at()), card);
  Fact("job", model.job(), card);
  Fact("datasets", absl::StrJoin(model.datasets(), ", "), card);
  Fact("made from", absl::StrJoin(model.parents(), ", "), card);
  Fact("licence", model.licence(), card);
  Fact("tags", absl::StrJoin(model.tags(), ", "), card);
  Fact("parameters",
       absl::StrCat(model.total_params(), " (", model.trainable_params(), " trainable)"), card);
  Fact("digest of the weights", model.digest(), card);
  Fact("digest of the weights' values", model.weights_sha256(), card);
  Layers(model, card);
  Metrics(model, card);
  Recipe(model, card);
  absl::StrAppend(&card, "\n## Definition\n\n```yaml\n",
                  support::Printable(support::PrintYaml(model.spec())), "```\n\n",
                  WhatLiesBeside(format));
  return card;
}

}  // namespace gradus
