// SPDX-License-Identifier: Apache-2.0
// Batches ahead of time: a thread gathers and converts rows into a ring of buffers while the cores
// train.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/base/shards.h"
#include "engine/data/shuffler.h"
#include "engine/data/view.h"

namespace gradus::data {

// Rows gathered for one step. Pointers are aligned to 64 bytes; rows lie one after another without
// gaps.
struct Batch {
  int64_t epoch = 0;  // over the whole run
  int64_t step = 0;   // in the epoch, from 0
  int64_t rows = 0;   // of the whole batch
  // [held, View::input_elements(i)] of each input, one input behind the other.
  const float* inputs = nullptr;
  // Of each target, one behind the other: int32_t [held] where they are classes, else float [held,
  // width].
  const void* targets = nullptr;
  // [held]; null where all rows count 1.
  const float* weights = nullptr;
  // Which rows of the batch were read.
  int64_t first_held = 0;
  int64_t held = 0;
};

// Reads a view's batches in order, epoch after epoch, from any position: what comes depends on the
// options only, never on the pace of either side.
//   Owns     the ring (at least 3 batches, else about ring_bytes), a thread, the epoch's order (4
//            bytes a row). Nothing is allocated after Create.
//   Threads  Next: one caller at a time. The thread sleeps until half of the ring is free and then
//            fills it in one go: on a machine whose cores all compute, one short disturbance for
//            many batches is cheaper than one each.
//   Errors   RESOURCE_EXHAUSTED when memory or a thread is not to be had.
class BatchReader {
 public:
  struct Options {
    int64_t batch_size = 32;
    bool shuffle = false;
    uint64_t seed = 0;
    int64_t first_epoch = 0;
    int64_t first_step = 0;  // in first_epoch; steps_per_epoch is as good as step 0 of the next
    int64_t end_epoch = 1;   // the first one that is not read
    // Of the batch's logical shards, those whose rows are read. None: all rows.
    int logical_shards = 1;
    base::ShardRange share;
    std::vector<int> cpus;  // where the thread may run; empty: where its creator may
    size_t ring_bytes = size_t{4} << 20;
  };

  static absl::StatusOr<std::unique_ptr<BatchReader>> Create(std::shared_ptr<const View> view,
                                                             Options options);
  ~BatchReader();
  BatchReader(const BatchReader&) = delete;
  BatchReader& operator=(const BatchReader&) = delete;

  // The next batch; its buffers are valid until the next call. Null after the last one.
  const Batch* Next();

  int64_t steps_per_epoch() const { return steps_per_epoch_; }

 private:
  struct Slot {
    Batch batch;
    float* inputs = nullptr;
    std::byte* targets = nullptr;
    float* weights = nullptr;
  };
  struct Free {
    void operator()(std::byte* memory) const;
  };

  BatchReader(std::shared_ptr<const View> view, Options options);
  absl::Status PlaceRing();
  absl::Status StartThread();
  void Produce();
  bool AwaitRoom();
  void Fill(Slot& slot, std::span<const uint32_t> order, int64_t epoch, int64_t step) const;
  void GiveBack();

  const std::shared_ptr<const View> view_;
  const Options options_;
  const int64_t steps_per_epoch_;
  int64_t total_batches_ = 0;  // from the first position to end_epoch
  std::unique_ptr<std::byte, Free> memory_;
  std::vector<Slot> slots_;
  Shuffler shuffler_;
  std::thread thread_;

  std::atomic<int64_t> produced_{0};
  std::atomic<int64_t> consumed_{0};  // batches given back
  std::atomic<bool> producer_sleeps_{false};
  bool holding_ = false;  // the consumer has batch number consumed_

  base::Mutex mu_;
  base::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace gradus::data
