// SPDX-License-Identifier: Apache-2.0
// The table that Keras's model.summary() prints.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "gradus/v1/model.pb.h"

namespace gradus::cli {

// Layer (type), Output Shape, Param #, and Connected to unless each layer takes the one before it;
// then total, trainable and non-trainable counts.
std::string SummaryTable(absl::string_view title, const v1::ModelSummary& summary);

}  // namespace gradus::cli
