// SPDX-License-Identifier: Apache-2.0
// A note before and after each wait: two readings of the clock beside a message of 200 us.
#include "server/worker/watched_group.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "engine/base/status.h"

namespace gradus::worker {

class WatchedTransfer final : public collective::Transfer {
 public:
  WatchedTransfer(std::unique_ptr<collective::Transfer> transfer, std::shared_ptr<GroupWatch> watch)
      : watch_(std::move(watch)), transfer_(std::move(transfer)) {}

  absl::Status Wait() override {
    const int64_t begun = watch_->clock_.MonotonicMicros();
    watch_->since_.store(begun, std::memory_order_relaxed);
    absl::Status status = transfer_->Wait();
    watch_->since_.store(0, std::memory_order_relaxed);
    if (status.ok()) {
      const int64_t waited = watch_->clock_.MonotonicMicros() - begun;
      watch_->longest_.store(std::max(watch_->longest_micros(), waited), std::memory_order_relaxed);
    }
    return status;
  }

 private:
  const std::shared_ptr<GroupWatch> watch_;
  const std::unique_ptr<collective::Transfer> transfer_;
};

class WatchedGroup final : public collective::Group {
 public:
  WatchedGroup(std::unique_ptr<collective::Group> group, std::shared_ptr<GroupWatch> watch)
      : watch_(std::move(watch)), group_(std::move(group)) {
    base::MutexLock lock(watch_->mu_);
    watch_->group_ = group_.get();
  }
  ~WatchedGroup() override {
    base::MutexLock lock(watch_->mu_);
    watch_->group_ = nullptr;
  }

  int rank() const override { return group_->rank(); }
  int size() const override { return group_->size(); }
  absl::StatusOr<std::unique_ptr<collective::Transfer>> Send(
      int peer, uint32_t channel, std::span<const std::byte> bytes) override {
    return Wrap(group_->Send(peer, channel, bytes));
  }
  absl::StatusOr<std::unique_ptr<collective::Transfer>> Receive(
      int peer, uint32_t channel, std::span<std::byte> bytes) override {
    return Wrap(group_->Receive(peer, channel, bytes));
  }
  void Abort() override { group_->Abort(); }

 private:
  absl::StatusOr<std::unique_ptr<collective::Transfer>> Wrap(
      absl::StatusOr<std::unique_ptr<collective::Transfer>> transfer) const {
    if (!transfer.ok()) return transfer;
    return std::make_unique<WatchedTransfer>(*std::move(transfer), watch_);
  }

  const std::shared_ptr<GroupWatch> watch_;
  const std::unique_ptr<collective::Group> group_;
};

int64_t GroupWatch::waiting_micros() const {
  const int64_t since = since_.load(std::memory_order_relaxed);
  return since == 0 ? 0 : std::max<int64_t>(clock_.MonotonicMicros() - since, 1);
}

void GroupWatch::Abort() {
  base::MutexLock lock(mu_);
  if (group_ != nullptr) group_->Abort();
}

std::unique_ptr<collective::Group> Watched(std::unique_ptr<collective::Group> group,
                                           std::shared_ptr<GroupWatch> watch) {
  return std::make_unique<WatchedGroup>(std::move(group), std::move(watch));
}

}  // namespace gradus::worker
