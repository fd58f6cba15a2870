// SPDX-License-Identifier: Apache-2.0
// Rows for a model out of a file: JSON, CSV or IDX.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gradus/predict.h"
#include "inference/grpc_predict_v2.pb.h"

namespace gradus::cli {

// What the file is shows in its first bytes: JSON is {"inputs": [{"name", "shape", "data"}, ...]},
// the protocol's form for REST, or a list of rows, which may be nested as the model's input is; IDX
// is uncompressed; all else is CSV, a row a line, separated by commas, semicolons or spaces, whose
// first line may be a title. All but the first are for models with one input.
//   Errors   INVALID_ARGUMENT: what was found where (lines from 1, rows from 0), and what the model
//            takes.
absl::StatusOr<std::vector<PredictInput>> ParsePredictInput(
    absl::string_view text, const inference::ModelMetadataResponse& model);

}  // namespace gradus::cli
