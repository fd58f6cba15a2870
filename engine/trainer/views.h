// SPDX-License-Identifier: Apache-2.0
// The views of a job, opened against what its loss needs.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/data/view.h"
#include "engine/graph/graph.h"
#include "engine/trainer/trainer.h"
#include "engine/training/losses/target.h"

namespace gradus::trainer {

struct JobViews {
  std::shared_ptr<const data::View> train;
  std::shared_ptr<const data::View> validation;  // null: none
  std::shared_ptr<const data::View> test;        // null: none
};

// Opens one and checks that its rows are the graph's inputs. `word` is its field's name: "train".
//   Errors   INVALID_ARGUMENT with the field's path; the opener's.
absl::StatusOr<std::shared_ptr<const data::View>> OpenView(const TrainerInputs& inputs,
                                                           absl::string_view word,
                                                           const v1::DataView& spec,
                                                           const graph::Graph& graph,
                                                           const data::TargetNeeds& needs);

// Opens and checks them all, so that a fault in the test rows is found before training and not
// after it.
//   Errors   INVALID_ARGUMENT with the field's path; the opener's.
absl::StatusOr<JobViews> OpenViews(const TrainerInputs& inputs, const graph::Graph& graph,
                                   const losses::Target& target);

}  // namespace gradus::trainer
