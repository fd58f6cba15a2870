// SPDX-License-Identifier: Apache-2.0
// Column lists, in the order people look for things.
#include "client/cli/columns.h"

namespace gradus::cli {
namespace {

// Text that may be cut.
Column Words(absl::string_view title, absl::string_view path, int drop = 0) {
  return {.title = title, .path = path, .cut = true, .drop = drop};
}

// A number, aligned to the right.
Column Figure(absl::string_view title, absl::string_view path, Format format, int drop = 0) {
  return {.title = title, .path = path, .format = format, .right = true, .drop = drop};
}

// What is shown whole or not at all.
Column Dropped(absl::string_view title, absl::string_view path, Format format, int drop) {
  return {.title = title, .path = path, .format = format, .drop = drop};
}

}  // namespace

const std::vector<Column>& JobRow() {
  static const std::vector<Column> columns = {
      {"ID", "id"},
      Words("NAME", "name"),
      {"STATE", "state"},
      Figure("EPOCH", "epoch/total_epochs", Format::kText, 1),
      Figure("LOSS", "metrics[loss]", Format::kMetric, 2),
      Figure("VAL_LOSS", "metrics[val_loss]", Format::kMetric, 3),
      Words("OWNER", "owner", 4),
      Dropped("QUEUED", "queued_at", Format::kTime, 5),
      Words("REASON", "reason"),
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
      {"workers", "workers", Format::kNonZero},
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
      Words("NAME", "name"), Figure("SIZE", "size", Format::kBytes), Words("OWNER", "owner", 1),
      Dropped("PUSHED", "created_at", Format::kTime, 2)};
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
      Words("NAME", "name"),
      Figure("VERSION", "version", Format::kText),
      Words("ALIASES", "aliases", 1),
      Figure("PARAMS", "total_params", Format::kCount, 2),
      Figure("VAL_ACCURACY", "metrics[val_accuracy]", Format::kMetric, 4),
      Figure("TEST_ACCURACY", "metrics[test_accuracy]", Format::kMetric, 3),
      Words("OWNER", "owner", 5),
      Dropped("PUBLISHED", "created_at", Format::kTime, 6),
      Dropped("JOB", "job", Format::kText, 7),
  };
  return columns;
}

const std::vector<Column>& ModelFacts() {
  static const std::vector<Column> columns = {
      {"name", "name"},
      {"version", "version"},
      {"aliases", "aliases"},
      {"tags", "tags"},
      {"licence", "licence"},
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
