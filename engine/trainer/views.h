// SPDX-License-Identifier: Apache-2.0
// The views of a job, opened against what its loss needs.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/data/view.h"
#include "engine/graph/graph.h"
#include "engine/trainer/trainer.h"

namespace gradus::trainer {

struct JobViews {
  std::shared_ptr<const data::View> train;
  std::shared_ptr<const data::View> validation;  // null: none
  std::shared_ptr<const data::View> test;        // null: none
};

// Opens one whose rows are taken for their inputs alone. `word` is its field's name: "test".
//   Errors   INVALID_ARGUMENT with the field's path; the opener's.
absl::StatusOr<std::shared_ptr<const data::View>> OpenInputs(const TrainerInputs& inputs,
                                                             absl::string_view word,
                                                             const v1::DataView& spec,
                                                             const graph::Graph& graph);

absl::StatusOr<JobViews> OpenViews(const TrainerInputs& inputs, const graph::Graph& graph);

}  // namespace gradus::trainer
