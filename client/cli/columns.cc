// SPDX-License-Identifier: Apache-2.0
// Column lists, in the order people look for things.
#include "client/cli/columns.h"

namespace gradus::cli {

const std::vector<Column>& JobRow() {
  static const std::vector<Column> columns = {
      {"ID", "id"},
      {"NAME", "name"},
      {"STATE", "state"},
      {"EPOCH", "epoch/total_epochs", Format::kText, true},
      {"LOSS", "metrics[loss]", Format::kMetric, true},
      {"VAL_LOSS", "metrics[val_loss]", Format::kMetric, true},
      {"OWNER", "owner"},
      {"QUEUED", "queued_at", Format::kTime},
      {"REASON", "reason"},
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
  static const std::vector<Column> columns = {{"NAME", "name"},
                                              {"SIZE", "size", Format::kBytes, true},
                                              {"OWNER", "owner"},
                                              {"PUSHED", "created_at", Format::kTime}};
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
      {"NAME", "name"},
      {"VERSION", "version", Format::kText, true},
      {"PARAMS", "total_params", Format::kCount, true},
      {"VAL_ACCURACY", "metrics[val_accuracy]", Format::kMetric, true},
      {"TEST_ACCURACY", "metrics[test_accuracy]", Format::kMetric, true},
      {"OWNER", "owner"},
      {"PUBLISHED", "created_at", Format::kTime},
      {"JOB", "job"},
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
