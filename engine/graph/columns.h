// SPDX-License-Identifier: Apache-2.0
// Which columns of a dataset a model's inputs and outputs mean.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/goals.h"
#include "engine/graph/graph.h"
#include "engine/training/losses/target.h"
#include "gradus/v1/data.pb.h"

namespace gradus::graph {

// Where an input is found.
struct InputColumn {
  std::string column;
  // Entries [first, end) of each row along its first axis; with an end of 0 all.
  int64_t first = 0;
  int64_t end = 0;
  // What the model wants of a row.
  std::vector<int64_t> shape;
  // What it is called in messages: "model.inputs[1].shape".
  std::string path;
};

// Where an output's targets are found.
struct TargetColumn {
  std::string column;
  losses::Target target;
};

struct Columns {
  // One an input of the graph.
  std::vector<InputColumn> inputs;
  // One an output; none where rows are taken for their inputs alone.
  std::vector<TargetColumn> targets;
  // In which the labels of a view are looked for: the first output's.
  std::string labels = "y";
};

// Fills in what `data` leaves out of its inputs and targets where the model names its own. Without
// goals no targets are asked for.
//   Errors   INVALID_ARGUMENT with the field's path below "data": "inputs[0].input".
absl::StatusOr<Columns> FindColumns(const Graph& graph, std::span<const Goal> goals,
                                    v1::DataSpec& data);

}  // namespace gradus::graph
