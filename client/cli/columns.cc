// SPDX-License-Identifier: Apache-2.0
// Column lists, in the order people look for things.
#include "client/cli/columns.h"

namespace gradus::cli {

const std::vector<Column>& JobRow() {
  static const std::vector<Column> columns = {
      {"ID", "id"},
      {.title = "NAME", .path = "name", .cut = true},
      {"STATE", "state"},
      {.title = "EPOCH",
       .path = "epoch/total_epochs",
       .format = Format::kText,
       .right = true,
       .drop = 1},
      {.title = "LOSS",
       .path = "metrics[loss]",
       .format = Format::kMetric,
       .right = true,
       .drop = 2},
      {.title = "VAL_LOSS",
       .path = "metrics[val_loss]",
       .format = Format::kMetric,
       .right = true,
       .drop = 3},
      {.title = "OWNER", .path = "owner", .cut = true, .drop = 4},
      {.title = "QUEUED", .path = "queued_at", .format = Format::kTime, .drop = 5},
      {.title = "REASON", .path = "reason", .cut = true},
  };
  return columns;
}

const std::vector<Column>& JobFacts() {
  static const std::vector<Column> columns = {
      {"id", "id"},
      {"name", "name"},
      {"owner", "owner"},
      {"state", "state"},
      {"reason", "reason"},
      {"attempt", "attempt", Format::kNonZero},
      {"epoch", "epoch/total_epochs"},
      {"step", "step", Format::kCount},
      {"metrics", "metrics"},
      {"published", "published"},
      {"weights sha256", "weights_sha256"},
      {"queued", "queued_at", Format::kTime},
      {"started", "started_at", Format::kTime},
      {"finished", "finished_at", Format::kTime},
  };
  return columns;
}

const std::vector<Column>& DatasetRow() {
  static const std::vector<Column> columns = {
      {.title = "NAME", .path = "name", .cut = true},
      {"SIZE", "size", Format::kBytes, true},
      {.title = "OWNER", .path = "owner", .cut = true, .drop = 1},
      {.title = "PUSHED", .path = "created_at", .format = Format::kTime, .drop = 2}};
  return columns;
}

const std::vector<Column>& DatasetFacts() {
  static const std::vector<Column> columns = {{"name", "name"},
                                              {"owner", "owner"},
                                              {"size", "size", Format::kBytes},
                                              {"pushed", "created_at", Format::kTime},
                                              {"digest", "digest"}};
  return columns;
}

const std::vector<Column>& ModelRow() {
  static const std::vector<Column> columns = {
      {.title = "NAME", .path = "name", .cut = true},
      {"VERSION", "version", Format::kText, true},
      {.title = "PARAMS",
       .path = "total_params",
       .format = Format::kCount,
       .right = true,
       .drop = 1},
      {.title = "VAL_ACCURACY",
       .path = "metrics[val_accuracy]",
       .format = Format::kMetric,
       .right = true,
       .drop = 3},
      {.title = "TEST_ACCURACY",
       .path = "metrics[test_accuracy]",
       .format = Format::kMetric,
       .right = true,
       .drop = 2},
      {.title = "OWNER", .path = "owner", .cut = true, .drop = 4},
      {.title = "PUBLISHED", .path = "created_at", .format = Format::kTime, .drop = 5},
      {.title = "JOB", .path = "job", .drop = 6},
  };
  return columns;
}

const std::vector<Column>& ModelFacts() {
  static const std::vector<Column> columns = {
      {"name", "name"},
      {"version", "version"},
      {"owner", "owner"},
      {"published", "created_at", Format::kTime},
      {"job", "job"},
      {"datasets", "datasets"},
      {"made from", "parents"},
      {"parameters", "total_params", Format::kCount},
      {"trainable", "trainable_params", Format::kCount},
      {"metrics", "metrics"},
      {"digest", "digest"},
      {"weights sha256", "weights_sha256"},
  };
  return columns;
}

}  // namespace gradus::cli
