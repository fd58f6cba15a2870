// SPDX-License-Identifier: Apache-2.0
// Which epochs are the best ones of the run so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/training/callbacks/monitor.h"
#include "gradus/v1/training.pb.h"

namespace gradus::trainer {

struct BestEpoch {
  double value = 0;  // of the figure
  int64_t step = 0;  // done in the run at its end

  bool operator==(const BestEpoch&) const = default;
};

// The spec's keep_best best by the spec's figure, best first; of equal ones the earlier is the
// better. What it remembers is list(), so that a checkpoint can hold it.
//   Threads  one.
class BestEpochs {
 public:
  // `spec` is checked.
  explicit BestEpochs(const v1::Checkpoint& spec);

  // Takes the epoch that has given these figures into the list, if it is among the best; the last
  // one may fall out. Returns its value; nothing where it is not among them: one without the
  // figure, or whose figure is not finite, never is.
  std::optional<double> Add(int64_t step, const std::map<std::string, double>& figures);

  const std::vector<BestEpoch>& list() const { return list_; }
  // DATA_LOSS for a list that these settings cannot give.
  absl::Status Restore(std::vector<BestEpoch> list);

 private:
  const size_t most_;
  const callbacks::Monitor monitor_;
  std::vector<BestEpoch> list_;
};

}  // namespace gradus::trainer
