// SPDX-License-Identifier: Apache-2.0
// The ranks that a run shares its batches with: how they meet, what they exchange in a step, and
// how all of them come to stand at the same step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/shards.h"
#include "engine/collective/exchange_thread.h"
#include "engine/plan/step_exchange.h"
#include "engine/trainer/checkpoint.h"
#include "engine/trainer/control.h"
#include "engine/trainer/workers.h"

namespace gradus::trainer {

struct RanksOptions {
  bool leader = true;
  int logical_shards = 1;
  // Gradients are rounded to bfloat16 on their way.
  bool bf16 = false;
};

// After an error of any call but Meet, broken() is true and Meet is the way on: whatever was
// underway is to be done again.
//   Threads  those of plan::StepExchange.
class Ranks final : public plan::StepExchange {
 public:
  // `workers` must outlive it.
  Ranks(Workers& workers, RanksOptions options) : workers_(workers), options_(options) {}

  // Comes together with those that the server has called, the first time or once more.
  //   Errors   CANCELLED, FAILED_PRECONDITION when the leader is not the first of them.
  absl::Status Meet();

  bool leader() const { return options_.leader; }
  int size() const { return meeting_.group == nullptr ? 1 : meeting_.group->size(); }
  base::ShardRange share() const { return shares_[static_cast<size_t>(place())]; }
  // Null where this rank is alone.
  plan::StepExchange* exchange() { return size() == 1 ? nullptr : this; }

  bool broken() const { return broken_; }
  // Whether another meeting was called: all ranks see it after the same step.
  bool leaving() const;
  // Whether the leader was asked to end, as of the last step.
  bool ending() const { return ending_; }

  // Goes along with the next step. With a checksum of the weights, that all must have.
  void Announce(Control::Request request, int64_t step, std::optional<uint64_t> checksum);

  // Brings all ranks to the leader's state, `state` to be called for its bytes; returns them where
  // this rank is to take them up. `position` is null where there is no state yet.
  //   Errors   FAILED_PRECONDITION where another rank computes other bits (`fingerprint`).
  absl::StatusOr<std::optional<std::string>> Share(
      const Position* position, const std::string& fingerprint,
      absl::FunctionRef<absl::StatusOr<std::string>()> state);

  // Gives all ranks the blocks of all, one behind the other, sizes[i] bytes of rank i.
  absl::Status Gather(std::span<const std::byte> own, std::span<const size_t> sizes,
                      std::span<std::byte> all);
  // Returns when all ranks have come here, or one is gone.
  void Farewell();

  std::span<const base::ShardRange> shares() const override { return shares_; }
  int place() const override { return meeting_.group == nullptr ? 0 : meeting_.group->rank(); }
  void Begin(int stretches) override;
  void Add(int number, std::span<float> gradients) override;
  // OUT_OF_RANGE where ranks hold other weights; that is no break.
  absl::Status Finish(std::span<const std::byte> own, std::span<const size_t> sizes,
                      std::span<std::byte> notes) override;

 private:
  // Stands before a rank's note.
  struct Word {
    int64_t announced = 0;
    int64_t step = 0;
    uint64_t checksum = 0;
    uint32_t has_checksum = 0;
    uint32_t request = 0;
  };

  absl::Status Break(absl::Status why);
  absl::Status TakeWords(std::span<const size_t> sizes, std::span<std::byte> notes);

  Workers& workers_;
  const RanksOptions options_;
  Meeting meeting_;
  std::vector<base::ShardRange> shares_;
  std::unique_ptr<collective::ExchangeThread> exchange_;  // ends before the group
  bool broken_ = false;
  bool ending_ = false;
  int64_t announced_ = 0;  // the newest that any rank knew of in the last step
  Word word_;
  // Room for a step's blocks.
  std::vector<std::byte> own_;
  std::vector<std::byte> all_;
  std::vector<size_t> sizes_;
};

}  // namespace gradus::trainer
