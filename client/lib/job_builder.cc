// SPDX-License-Identifier: Apache-2.0
// Builders over the reader of job files.
#include "gradus/job_builder.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "proto/support/parse.h"
#include "proto/support/set_path.h"

namespace gradus {

ViewBuilder::ViewBuilder(absl::string_view dataset, absl::string_view split) {
  view_.set_dataset(std::string(dataset));
  view_.set_split(std::string(split));
}

ViewBuilder& ViewBuilder::Range(int64_t first, int64_t end) {
  view_.clear_range();
  view_.add_range(first);
  view_.add_range(end);
  return *this;
}

ViewBuilder& ViewBuilder::Labels(const std::vector<int64_t>& labels) {
  view_.mutable_labels()->Assign(labels.begin(), labels.end());
  return *this;
}

ViewBuilder& ViewBuilder::Take(int64_t rows) {
  view_.set_take(rows);
  return *this;
}

ViewBuilder& ViewBuilder::Scale(double scale, double offset) {
  view_.set_scale(scale);
  view_.set_offset(offset);
  return *this;
}

ViewBuilder& ViewBuilder::SampleWeight(absl::string_view column) {
  view_.set_sample_weight(std::string(column));
  return *this;
}

JobBuilder::JobBuilder(absl::string_view name) { spec_.set_name(std::string(name)); }

JobBuilder JobBuilder::FromText(absl::string_view text) {
  JobBuilder builder;
  builder.status_ = support::ParseText(text, builder.spec_);
  return builder;
}

JobBuilder& JobBuilder::Set(absl::string_view path, absl::string_view value) {
  if (status_.ok()) status_ = support::SetPath(path, value, spec_);
  return *this;
}

JobBuilder& JobBuilder::Input(const std::vector<int64_t>& shape) {
  spec_.mutable_model()->mutable_input_shape()->Assign(shape.begin(), shape.end());
  return *this;
}

JobBuilder& JobBuilder::Input(absl::string_view name, const std::vector<int64_t>& shape) {
  v1::ModelInput& input = *spec_.mutable_model()->add_inputs();
  input.set_name(std::string(name));
  input.mutable_shape()->Assign(shape.begin(), shape.end());
  return *this;
}

JobBuilder& JobBuilder::Output(absl::string_view layer, absl::string_view text) {
  const std::string entry = absl::StrCat("outputs[", spec_.outputs_size(), "]");
  spec_.mutable_model()->add_outputs(std::string(layer));
  Set(entry, absl::StrCat("{", text, "}"));
  return Set(absl::StrCat(entry, ".name"), layer);
}

namespace {

// What stands after "- " or "key: " in a job file, so that "dense: {units: 3}" needs no braces
// around it.
std::string AsFlow(absl::string_view text) {
  const size_t word_end = text.find_first_of(":{[\"");
  const bool bare_pair = word_end != absl::string_view::npos && text[word_end] == ':';
  return bare_pair ? absl::StrCat("{", text, "}") : std::string(text);
}

}  // namespace

JobBuilder& JobBuilder::Layer(absl::string_view text) {
  return Set(absl::StrCat("model.layers[", spec_.model().layers_size(), "]"), AsFlow(text));
}

JobBuilder& JobBuilder::Train(const ViewBuilder& view) {
  *spec_.mutable_data()->mutable_train() = view.view();
  return *this;
}

JobBuilder& JobBuilder::Validation(const ViewBuilder& view) {
  *spec_.mutable_data()->mutable_validation() = view.view();
  return *this;
}

JobBuilder& JobBuilder::Test(const ViewBuilder& view) {
  *spec_.mutable_data()->mutable_test() = view.view();
  return *this;
}

JobBuilder& JobBuilder::Loss(absl::string_view text) { return Set("loss", AsFlow(text)); }
JobBuilder& JobBuilder::Optimizer(absl::string_view text) { return Set("optimizer", AsFlow(text)); }

JobBuilder& JobBuilder::Metric(absl::string_view text) {
  return Set(absl::StrCat("metrics[", spec_.metrics_size(), "]"), AsFlow(text));
}

JobBuilder& JobBuilder::Epochs(int64_t epochs) {
  spec_.mutable_fit()->set_epochs(epochs);
  return *this;
}

JobBuilder& JobBuilder::BatchSize(int64_t rows) {
  spec_.mutable_fit()->set_batch_size(rows);
  return *this;
}

JobBuilder& JobBuilder::Seed(uint64_t seed) {
  spec_.mutable_fit()->set_seed(seed);
  return *this;
}

JobBuilder& JobBuilder::Stage(absl::string_view text) {
  return Set(absl::StrCat("fit.stages[", spec_.fit().stages_size(), "]"), AsFlow(text));
}

JobBuilder& JobBuilder::Publish(absl::string_view model) {
  spec_.mutable_publish()->set_model(std::string(model));
  return *this;
}

absl::StatusOr<v1::JobSpec> JobBuilder::Build() const {
  if (!status_.ok()) return status_;
  return spec_;
}

}  // namespace gradus
