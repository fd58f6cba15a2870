// SPDX-License-Identifier: Apache-2.0
// What layers learn of the training rows before the first step.
#pragma once

#include "absl/status/status.h"
#include "engine/data/view.h"
#include "engine/plan/executable.h"

namespace gradus::trainer {

// Gives the layers that adapt their weights. They read the rows as the view has them; a graph with
// any other is not built.
absl::Status AdaptLayers(const data::View& train, plan::Executable& executable);

}  // namespace gradus::trainer
