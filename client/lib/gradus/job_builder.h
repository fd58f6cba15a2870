// SPDX-License-Identifier: Apache-2.0
// Job specs in C++: each step takes what a job file would say there, so that every kind there is
// can be named.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gradus/v1/job.pb.h"

namespace gradus {

// A view of a dataset.
class ViewBuilder {
 public:
  explicit ViewBuilder(absl::string_view dataset, absl::string_view split = "train");
  // Stored rows [first, end).
  ViewBuilder& Range(int64_t first, int64_t end);
  // Rows of these classes, renumbered 0, 1, ... in this order.
  ViewBuilder& Labels(const std::vector<int64_t>& labels);
  ViewBuilder& Take(int64_t rows);
  // x * scale + offset.
  ViewBuilder& Scale(double scale, double offset = 0);
  // The column that says what each row counts in the loss.
  ViewBuilder& SampleWeight(absl::string_view column);
  const v1::DataView& view() const { return view_; }

 private:
  v1::DataView view_;
};

// A whole job, step by step; the first wrong step is what Build answers.
//
//   const auto spec =
//       gradus::JobBuilder("digits")
//           .Input({28, 28})
//           .Layer("flatten")
//           .Layer("dense: {units: 100, activation: relu}")
//           .Layer("dense: {units: 10, activation: softmax}")
//           .Train(gradus::ViewBuilder("mnist").Range(0, 55000).Scale(1.0 / 255))
//           .Loss("sparse_categorical_crossentropy")
//           .Optimizer("sgd: {learning_rate: 0.001}")
//           .Metric("accuracy")
//           .Epochs(20)
//           .Publish("digits")
//           .Build();
//
//   Owns     its spec, and nothing of what is passed to it.
//   Threads  one at a time.
class JobBuilder {
 public:
  explicit JobBuilder(absl::string_view name);
  // From a job file's text, to be changed.
  static JobBuilder FromText(absl::string_view text);

  JobBuilder& Input(const std::vector<int64_t>& shape);
  // One of several inputs.
  JobBuilder& Input(absl::string_view name, const std::vector<int64_t>& shape);
  // One of several outputs: a layer's name and what else one entry of `outputs` says, such as
  // "loss: mean_squared_error, loss_weight: 0.2".
  JobBuilder& Output(absl::string_view layer, absl::string_view text);
  // A bare word or a mapping, as one entry of `layers`.
  JobBuilder& Layer(absl::string_view text);
  JobBuilder& Train(const ViewBuilder& view);
  JobBuilder& Validation(const ViewBuilder& view);
  JobBuilder& Test(const ViewBuilder& view);
  JobBuilder& Loss(absl::string_view text);
  JobBuilder& Optimizer(absl::string_view text);
  JobBuilder& Metric(absl::string_view text);
  JobBuilder& Epochs(int64_t epochs);
  JobBuilder& BatchSize(int64_t rows);
  JobBuilder& Seed(uint64_t seed);
  // One entry of `fit.stages`.
  JobBuilder& Stage(absl::string_view text);
  JobBuilder& Publish(absl::string_view model);
  // Any field by its path, as --set does.
  JobBuilder& Set(absl::string_view path, absl::string_view value);

  // The spec, or INVALID_ARGUMENT with the path of the first step that is wrong. What only the
  // server can know (shapes, datasets) is checked there: Client::ValidateJob.
  absl::StatusOr<v1::JobSpec> Build() const;

 private:
  JobBuilder() = default;

  v1::JobSpec spec_;
  absl::Status status_;
};

}  // namespace gradus
