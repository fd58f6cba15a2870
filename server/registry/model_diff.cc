// SPDX-License-Identifier: Apache-2.0
// What is different between two versions.
#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/mapped_file.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/formats/weights_index.h"
#include "server/registry/models.h"
#include "server/registry/page.h"
#include "server/registry/weights.h"

namespace gradus::registry {
namespace {

using google::protobuf::util::MessageDifferencer;
using Differences = google::protobuf::RepeatedPtrField<v1::ModelDifference>;

// A model's layers by name: what each does, and what comes of it.
struct Layer {
  const v1::LayerSummary* summary = nullptr;
  const v1::Layer* definition = nullptr;
};

std::map<std::string, Layer> LayersOf(const v1::Model& model) {
  std::map<std::string, Layer> layers;
  for (const v1::LayerSummary& summary : model.layers()) layers[summary.name()].summary = &summary;
  for (const v1::Layer& layer : model.spec().layers()) {
    const auto found = layers.find(layer.name());
    if (found != layers.end()) found->second.definition = &layer;
  }
  return layers;
}

bool SameLayer(const Layer& first, const Layer& second) {
  if (!MessageDifferencer::Equals(*first.summary, *second.summary)) return false;
  if (first.definition == nullptr || second.definition == nullptr)
    return first.definition == second.definition;
  return MessageDifferencer::Equals(*first.definition, *second.definition);
}

v1::ModelDifference LayerDifference(const Layer* first, const Layer* second) {
  v1::ModelDifference difference;
  difference.set_name((first != nullptr ? first : second)->summary->name());
  if (first != nullptr) {
    difference.set_first_type(first->summary->type());
    *difference.mutable_first_shape() = first->summary->output_shape();
  }
  if (second != nullptr) {
    difference.set_second_type(second->summary->type());
    *difference.mutable_second_shape() = second->summary->output_shape();
  }
  difference.set_kind(second == nullptr            ? v1::ModelDifference::ONLY_FIRST
                      : first == nullptr           ? v1::ModelDifference::ONLY_SECOND
                      : SameLayer(*first, *second) ? v1::ModelDifference::SAME
                                                   : v1::ModelDifference::CHANGED);
  return difference;
}

std::vector<v1::ModelDifference> CompareLayers(const v1::Model& first, const v1::Model& second) {
  const std::map<std::string, Layer> before = LayersOf(first);
  const std::map<std::string, Layer> after = LayersOf(second);
  std::vector<v1::ModelDifference> differences;
  for (const v1::LayerSummary& layer : first.layers()) {
    const auto other = after.find(layer.name());
    differences.push_back(
        LayerDifference(&before.at(layer.name()), other == after.end() ? nullptr : &other->second));
  }
  for (const v1::LayerSummary& layer : second.layers()) {
    if (before.count(layer.name()) == 0)
      differences.push_back(LayerDifference(nullptr, &after.at(layer.name())));
  }
  return differences;
}

// One tensor, and where it lies.
struct Tensor {
  const v1::WeightsTensor* tensor = nullptr;
  const v1::WeightsPiece* piece = nullptr;
  uint64_t offset = 0;
};

// A version's stored weights. Pieces are mapped, and so verified, where their bytes are asked for;
// the last one stays, since neighbours lie in it.
class Weights {
 public:
  static absl::StatusOr<Weights> Read(store::BlobStore& blobs, const v1::BlobRef& index) {
    Weights weights(blobs);
    ASSIGN_OR_RETURN(v1::WeightsIndex content, ReadIndex(blobs, index));
    weights.index_ = std::make_unique<v1::WeightsIndex>(std::move(content));
    for (const v1::WeightsPiece& piece : weights.index_->pieces()) {
      uint64_t at = 0;
      for (const v1::WeightsTensor& tensor : piece.tensors()) {
        weights.by_name_[tensor.name()] = weights.tensors_.size();
        weights.tensors_.push_back({&tensor, &piece, at});
        at += formats::TensorBytes(tensor);
      }
    }
    return weights;
  }

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const Tensor* Find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &tensors_[found->second];
  }

  absl::StatusOr<std::span<const std::byte>> Bytes(const Tensor& tensor) {
    if (mapped_piece_ != tensor.piece) {
      ASSIGN_OR_RETURN(mapped_, blobs_->Map(tensor.piece->blob()));
      mapped_piece_ = tensor.piece;
    }
    return mapped_.bytes().subspan(tensor.offset, formats::TensorBytes(*tensor.tensor));
  }

 private:
  explicit Weights(store::BlobStore& blobs) : blobs_(&blobs) {}

  store::BlobStore* blobs_;
  std::unique_ptr<v1::WeightsIndex> index_;
  std::vector<Tensor> tensors_;
  std::map<std::string, size_t> by_name_;
  const v1::WeightsPiece* mapped_piece_ = nullptr;
  base::MappedFile mapped_;
};

absl::StatusOr<bool> SameTensor(Weights& first, const Tensor& a, Weights& second, const Tensor& b) {
  if (!std::equal(a.tensor->shape().begin(), a.tensor->shape().end(), b.tensor->shape().begin(),
                  b.tensor->shape().end()))
    return false;
  if (a.piece->blob().sha256() == b.piece->blob().sha256() && a.offset == b.offset) return true;
  ASSIGN_OR_RETURN(const std::span<const std::byte> before, first.Bytes(a));
  ASSIGN_OR_RETURN(const std::span<const std::byte> after, second.Bytes(b));
  return std::equal(before.begin(), before.end(), after.begin(), after.end());
}

absl::StatusOr<std::vector<v1::ModelDifference>> CompareTensors(Weights first, Weights second) {
  std::vector<v1::ModelDifference> differences;
  for (const Tensor& tensor : first.tensors()) {
    v1::ModelDifference& difference = differences.emplace_back();
    difference.set_name(tensor.tensor->name());
    *difference.mutable_first_shape() = tensor.tensor->shape();
    difference.set_kind(v1::ModelDifference::ONLY_FIRST);
    const Tensor* other = second.Find(tensor.tensor->name());
    if (other == nullptr) continue;
    *difference.mutable_second_shape() = other->tensor->shape();
    ASSIGN_OR_RETURN(const bool same, SameTensor(first, tensor, second, *other));
    difference.set_kind(same ? v1::ModelDifference::SAME : v1::ModelDifference::CHANGED);
  }
  for (const Tensor& tensor : second.tensors()) {
    if (first.Find(tensor.tensor->name()) != nullptr) continue;
    v1::ModelDifference& difference = differences.emplace_back();
    difference.set_name(tensor.tensor->name());
    *difference.mutable_second_shape() = tensor.tensor->shape();
    difference.set_kind(v1::ModelDifference::ONLY_SECOND);
  }
  return differences;
}

void Show(v1::Model model, v1::Model* shown) {
  TrimForList(model);
  model.clear_layers();
  *shown = std::move(model);
}

// Moves as many as there is room for; whether all.
bool Fill(std::vector<v1::ModelDifference> from, PageBudget& budget, Differences& to) {
  for (v1::ModelDifference& difference : from) {
    if (!budget.Take(difference.ByteSizeLong())) return false;
    *to.Add() = std::move(difference);
  }
  return true;
}

}  // namespace

absl::StatusOr<v1::DiffModelsResponse> Models::Diff(const v1::DiffModelsRequest& request) const {
  ASSIGN_OR_RETURN(const v1::Model first, Get(request.ref()));
  absl::StatusOr<v1::Model> other = Get(request.other());
  // What it calls "ref" is another field of this request.
  if (absl::IsInvalidArgument(other.status())) {
    return base::InvalidArgument("other", absl::StrCat("\"", base::Shown(request.other()), "\""),
                                 "a model reference: name, name@VERSION, name@ALIAS or "
                                 "name@sha256:DIGEST");
  }
  ASSIGN_OR_RETURN(const v1::Model second, other);
  ASSIGN_OR_RETURN(Weights before, Weights::Read(*blobs_, first.weights()));
  ASSIGN_OR_RETURN(Weights after, Weights::Read(*blobs_, second.weights()));
  ASSIGN_OR_RETURN(std::vector<v1::ModelDifference> tensors,
                   CompareTensors(std::move(before), std::move(after)));
  v1::DiffModelsResponse response;
  Show(first, response.mutable_first());
  Show(second, response.mutable_second());
  for (const v1::ModelDifference& tensor : tensors) {
    if (tensor.kind() == v1::ModelDifference::SAME) {
      response.set_same_tensors(response.same_tensors() + 1);
    } else {
      response.set_different_tensors(response.different_tensors() + 1);
    }
  }
  PageBudget budget(std::numeric_limits<int>::max());
  const bool layers_fit = Fill(CompareLayers(first, second), budget, *response.mutable_layers());
  const bool tensors_fit = Fill(std::move(tensors), budget, *response.mutable_tensors());
  response.set_truncated(!layers_fit || !tensors_fit);
  return response;
}

}  // namespace gradus::registry
