// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/server/registry/registry_fixture.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors_writer.h"
#include "engine/formats/weights_index.h"
#include "tests/support/weights.h"

namespace gradus::registry {

std::string WeightsFile(const std::vector<std::string>& layers, int units, float first) {
  std::vector<formats::TensorInfo> tensors;
  for (const std::string& layer : layers) {
    tensors.push_back({.name = layer + "/kernel", .dtype = "F32", .shape = {4, units}});
    tensors.push_back({.name = layer + "/bias", .dtype = "F32", .shape = {units}});
  }
  std::string file;
  auto writer = formats::SafetensorsWriter::Create(
      tensors, {{"weights_sha256", base::Sha256Hex("values")}},
      [&](std::span<const std::byte> bytes) {
        file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return absl::OkStatus();
      });
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const formats::TensorInfo& tensor : tensors) {
    std::vector<float> values(static_cast<size_t>(tensor.shape.size() == 2 ? 4 * units : units));
    for (float& value : values) value = first++;
    EXPECT_TRUE(writer->Append(values).ok());
  }
  EXPECT_TRUE(writer->Finish().ok());
  return file;
}

v1::ModelSpec SpecOf(const std::vector<std::string>& layers) {
  v1::ModelSpec spec;
  spec.add_input_shape(4);
  for (const std::string& name : layers) {
    spec.add_layers()->set_name(name);
    spec.mutable_layers(spec.layers_size() - 1)->mutable_dense()->set_units(4);
  }
  return spec;
}

namespace {

absl::StatusOr<v1::ModelSummary> Summarize(const v1::ModelSpec& spec) {
  v1::ModelSummary summary;
  for (const v1::Layer& layer : spec.layers()) {
    v1::LayerSummary& line = *summary.add_layers();
    line.set_name(layer.name());
    line.set_type("dense");
    line.add_output_shape(4);
    line.set_params(20);
    line.set_trainable(true);
  }
  summary.set_total_params(20 * spec.layers_size());
  summary.set_trainable_params(20 * spec.layers_size());
  return summary;
}

}  // namespace

void RegistryFixture::SetUp() {
  StoreFixture::SetUp();
  datasets_ = std::make_unique<Datasets>(
      store_.get(), &clock_,
      [this](store::ReadTx&, const std::string& dataset) -> absl::StatusOr<bool> {
        return in_use_(dataset);
      });
  models_ = std::make_unique<Models>(store_.get(), blobs_.get(), &clock_, Summarize);
}

v1::BlobRef RegistryFixture::Put(const std::string& bytes) {
  const auto ref = blobs_->Put(base::AsBytes(bytes));
  EXPECT_TRUE(ref.ok()) << ref.status();
  return ref.ok() ? *ref : v1::BlobRef();
}

int64_t RegistryFixture::Count(absl::string_view table) {
  int64_t count = -1;
  const absl::Status status = store_->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const auto row,
                     tx.QueryOne<int64_t>(absl::StrCat("SELECT COUNT(*) FROM ", table)));
    count = std::get<0>(*row);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return count;
}

bool RegistryFixture::Has(const v1::BlobRef& blob) {
  const auto has = blobs_->Has(blob);
  EXPECT_TRUE(has.ok()) << has.status();
  return has.ok() && *has;
}

void RegistryFixture::Collect() {
  EXPECT_TRUE(blobs_->Collect().ok());
  clock_.Advance(store::kBlobGraceMicros + 1);
  EXPECT_TRUE(blobs_->Collect().ok());
}

v1::Dataset RegistryFixture::Description(const std::string& name, int64_t rows, char filling) {
  v1::Dataset dataset;
  dataset.set_name(name);
  dataset.set_owner("ann");
  v1::Split& split = *dataset.add_splits();
  split.set_name("train");
  split.set_rows(rows);
  v1::Column& x = *split.add_columns();
  x.set_name("x");
  x.set_dtype("U8");
  x.add_shape(4);
  *x.mutable_blob() = Put(std::string(static_cast<size_t>(4 * rows), filling));
  v1::Column& y = *split.add_columns();
  y.set_name("y");
  y.set_dtype("U8");
  *y.mutable_blob() = Put(std::string(static_cast<size_t>(rows), filling));
  return dataset;
}

absl::StatusOr<v1::Dataset> RegistryFixture::AddDataset(const v1::Dataset& description) {
  v1::Dataset added;
  RETURN_IF_ERROR(store_->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(added, datasets_->Add(tx, description));
    return absl::OkStatus();
  }));
  return added;
}

v1::BlobRef RegistryFixture::PutWeights(const std::string& content) {
  const absl::StatusOr<formats::SafetensorsView> file =
      formats::SafetensorsView::Parse(base::AsBytes(content));
  if (!file.ok()) {
    const test_support::SmallWeights weights = test_support::WeightsOf(content);
    Put(weights.piece);
    return Put(weights.index);
  }
  v1::WeightsIndex index;
  index.set_format(formats::kWeightsIndexFormat);
  std::string piece;
  // Of thousands of layers not each can be a blob, which takes the disk some milliseconds.
  const size_t least = file->tensors().size() > 1000 ? 4096 : 0;
  for (const formats::TensorInfo& tensor : file->tensors()) {
    const std::span<const std::byte> bytes = file->Bytes(tensor);
    const absl::string_view layer = formats::LayerOfTensor(tensor.name);
    if (piece.empty()) index.add_pieces();
    v1::WeightsPiece& described = *index.mutable_pieces(index.pieces_size() - 1);
    described.add_tensors()->set_name(tensor.name);
    described.mutable_tensors(described.tensors_size() - 1)
        ->mutable_shape()
        ->Assign(tensor.shape.begin(), tensor.shape.end());
    piece.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const bool layer_ends = tensor.name == absl::StrCat(layer, "/bias");
    const bool last = &tensor == &file->tensors().back();
    if (layer_ends && (last || piece.size() >= least))
      *described.mutable_blob() = Put(std::exchange(piece, ""));
  }
  return Put(index.SerializeAsString());
}

absl::StatusOr<std::string> RegistryFixture::Publish(const std::string& model,
                                                     const std::string& weights,
                                                     const std::vector<std::string>& layers) {
  return PublishOf(JobOf(model, layers), weights);
}

v1::Job RegistryFixture::JobOf(const std::string& model, const std::vector<std::string>& layers) {
  v1::Job job;
  job.set_id("j1");
  job.set_owner("ann");
  *job.mutable_spec()->mutable_model() = SpecOf(layers);
  job.mutable_spec()->mutable_publish()->set_model(model);
  job.mutable_spec()->mutable_data()->mutable_train()->set_dataset("digits");
  job.mutable_spec()->mutable_data()->mutable_validation()->set_dataset("digits");
  job.mutable_spec()->mutable_data()->mutable_test()->set_dataset("others");
  (*job.mutable_metrics())["loss"] = 0.5;
  return job;
}

absl::StatusOr<std::string> RegistryFixture::PublishOf(const v1::Job& job,
                                                       const std::string& weights) {
  v1::RankFinished finished;
  finished.set_outcome(v1::RankFinished::DONE);
  finished.set_weights_sha256(base::Sha256Hex("values"));
  *finished.mutable_weights() = PutWeights(weights);
  std::string ref;
  RETURN_IF_ERROR(store_->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(ref, models_->Publish(tx, job, finished));
    return absl::OkStatus();
  }));
  return ref;
}

absl::Status RegistryFixture::RemoveModel(const std::string& ref, const std::string& request_id) {
  v1::RemoveModelRequest request;
  request.set_ref(ref);
  request.set_request_id(request_id);
  return models_->Remove({"ann", false}, request);
}

absl::StatusOr<std::string> RegistryFixture::SetAlias(const std::string& ref,
                                                      const std::string& alias,
                                                      const Editor& editor) {
  v1::SetAliasRequest request;
  request.set_ref(ref);
  request.set_alias(alias);
  request.set_request_id(NextRequestId());
  ASSIGN_OR_RETURN(const v1::SetAliasResponse response, models_->SetAlias(editor, request));
  return response.ref();
}

}  // namespace gradus::registry
