// SPDX-License-Identifier: Apache-2.0
// Ranks of one process, connected by memory, that can be broken at any moment.
#pragma once

#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "engine/collective/group.h"

namespace gradus::test_support {

// What the groups of one meeting share.
class MemoryWire {
 public:
  // From now on nothing arrives any more: each Wait of a rank that is not gone is UNAVAILABLE.
  void Break() {
    const std::lock_guard lock(mu_);
    broken_ = true;
    changed_.notify_all();
  }

  void Put(std::tuple<int, int, uint32_t> key, std::string bytes) {
    const std::lock_guard lock(mu_);
    boxes_[key].push_back(std::move(bytes));
    changed_.notify_all();
  }
  absl::Status Take(std::tuple<int, int, uint32_t> key, std::span<std::byte> bytes,
                    const bool& aborted) {
    std::unique_lock lock(mu_);
    auto& box = boxes_[key];
    changed_.wait(lock, [&] { return !box.empty() || broken_ || aborted; });
    if (aborted) return absl::AbortedError("given up");
    if (box.empty()) return absl::UnavailableError("the other rank is gone");
    if (box.front().size() != bytes.size()) return absl::InternalError("a message of another size");
    std::memcpy(bytes.data(), box.front().data(), bytes.size());
    box.pop_front();
    return absl::OkStatus();
  }
  void Abort(bool& aborted) {
    const std::lock_guard lock(mu_);
    aborted = true;
    changed_.notify_all();
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool broken_ = false;
  std::map<std::tuple<int, int, uint32_t>, std::deque<std::string>> boxes_;
};

class MemoryGroup final : public collective::Group {
 public:
  MemoryGroup(std::shared_ptr<MemoryWire> wire, int rank, int size)
      : wire_(std::move(wire)), rank_(rank), size_(size) {}
  // A rank that leaves is missed by the others.
  ~MemoryGroup() override { wire_->Break(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  absl::StatusOr<std::unique_ptr<collective::Transfer>> Send(
      int peer, uint32_t channel, std::span<const std::byte> bytes) override {
    wire_->Put({rank_, peer, channel},
               std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    return std::make_unique<Sent>();
  }
  absl::StatusOr<std::unique_ptr<collective::Transfer>> Receive(
      int peer, uint32_t channel, std::span<std::byte> bytes) override {
    return std::make_unique<Received>(*this, peer, channel, bytes);
  }
  void Abort() override { wire_->Abort(aborted_); }

 private:
  struct Sent final : collective::Transfer {
    absl::Status Wait() override { return absl::OkStatus(); }
  };
  class Received final : public collective::Transfer {
   public:
    Received(MemoryGroup& group, int peer, uint32_t channel, std::span<std::byte> bytes)
        : group_(group), peer_(peer), channel_(channel), bytes_(bytes) {}
    absl::Status Wait() override {
      return group_.wire_->Take({peer_, group_.rank_, channel_}, bytes_, group_.aborted_);
    }

   private:
    MemoryGroup& group_;
    const int peer_;
    const uint32_t channel_;
    const std::span<std::byte> bytes_;
  };

  const std::shared_ptr<MemoryWire> wire_;
  const int rank_;
  const int size_;
  bool aborted_ = false;
};

}  // namespace gradus::test_support
