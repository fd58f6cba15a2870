// SPDX-License-Identifier: Apache-2.0
// All metrics of a job, and what they gather over many rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "engine/training/metrics/kind.h"

namespace gradus::metrics {

// What one metric has gathered.
struct Tally {
  std::vector<double> state;
  std::vector<float> kept;

  bool operator==(const Tally&) const = default;
};

// The metrics of one output.
struct OutputMetrics {
  // Stands before their names, and has the output's loss reported beside them; empty: neither.
  std::string output;
  std::vector<v1::Metric> specs;
  Scored scored;
};

// The metrics of a job, which all look at the same rows.
//   Threads  immutable.
class MetricSet {
 public:
  MetricSet() = default;
  // REQUIRES: Check has passed them for their `scored`.
  explicit MetricSet(std::vector<OutputMetrics> outputs);
  // Of a model's only output.
  MetricSet(std::vector<v1::Metric> specs, const Scored& scored)
      : MetricSet({{.output = "", .specs = std::move(specs), .scored = scored}}) {}

  size_t size() const { return items_.size(); }
  const v1::Metric& spec(size_t metric) const { return items_[metric].spec; }
  const MetricKind& kind(size_t metric) const { return *items_[metric].kind; }
  // Number of the output that it looks at.
  size_t output(size_t metric) const { return items_[metric].output; }
  // It is an output's loss: what no kernel of its own computes.
  bool is_loss(size_t metric) const;

  // Of no rows.
  std::vector<Tally> Start() const;
  // To be overwritten with what so many rows say.
  Tally PartOf(size_t metric, int64_t rows) const;
  // What that holds, in bytes.
  size_t BytesOf(size_t metric, int64_t rows) const;
  // Rows `from` come after those of `into`. Allocates nothing where there is room.
  void Merge(std::span<const Tally> from, std::span<Tally> into) const;
  // Makes room for so many rows in all.
  void Reserve(std::span<Tally> tallies, int64_t rows) const;
  // Whether their sizes are those of `rows` rows.
  bool Fit(std::span<const Tally> tallies, int64_t rows) const;

  // Of one metric, reported or not. REQUIRES: rows > 0.
  std::vector<Figure> FiguresOf(size_t metric, const Tally& tally, int64_t rows) const;
  // By name, PREFIX before each; what is not reported yet is left out. Empty without rows.
  std::map<std::string, double> Figures(std::span<const Tally> tallies, int64_t rows,
                                        Occasion occasion, absl::string_view prefix) const;

 private:
  struct Item {
    v1::Metric spec;
    const MetricKind* kind = nullptr;
    size_t output = 0;
    Scored scored;
    std::string name;
    Sizes sizes;
  };

  std::vector<Item> items_;
};

}  // namespace gradus::metrics
