// SPDX-License-Identifier: Apache-2.0
// The three views of a job, opened against what its loss needs.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "engine/data/view.h"
#include "engine/graph/graph.h"
#include "engine/trainer/trainer.h"

namespace gradus::trainer {

struct JobViews {
  std::shared_ptr<const data::View> train;
  std::shared_ptr<const data::View> validation;  // null: none
  std::shared_ptr<const data::View> test;        // null: none
};

// Opens and checks them all, so that a fault in the test rows is found before training and not
// after it.
//   Errors   INVALID_ARGUMENT with the field's path; the opener's.
absl::StatusOr<JobViews> OpenViews(const TrainerInputs& inputs, const graph::Graph& graph);

}  // namespace gradus::trainer
