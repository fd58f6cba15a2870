// SPDX-License-Identifier: Apache-2.0
#include "server/api/stream_hub.h"

#include <utility>

namespace gradus::api {

class StreamHub::Members {
 public:
  int64_t Add(std::function<void()> on_close) {
    base::MutexLock lock(mu_);
    if (closed_) on_close();
    callbacks_.emplace(++last_, std::move(on_close));
    return last_;
  }
  void Remove(int64_t id) {
    base::MutexLock lock(mu_);
    callbacks_.erase(id);
  }
  int64_t size() {
    base::MutexLock lock(mu_);
    return static_cast<int64_t>(callbacks_.size());
  }
  void Close() {
    base::MutexLock lock(mu_);
    if (std::exchange(closed_, true)) return;
    for (auto& [id, on_close] : callbacks_) on_close();
  }

 private:
  base::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t last_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<int64_t, std::function<void()>> callbacks_ ABSL_GUARDED_BY(mu_);
};

namespace {

template <typename Members>
class Place : public StreamHub::Membership {
 public:
  Place(std::shared_ptr<Members> members, int64_t id) : members_(std::move(members)), id_(id) {}
  ~Place() override { members_->Remove(id_); }

 private:
  const std::shared_ptr<Members> members_;
  const int64_t id_;
};

}  // namespace

StreamHub::StreamHub() : members_(std::make_shared<Members>()) {}
StreamHub::~StreamHub() = default;

std::unique_ptr<StreamHub::Membership> StreamHub::Join(std::function<void()> on_close) {
  const int64_t id = members_->Add(std::move(on_close));
  return std::make_unique<Place<Members>>(members_, id);
}

void StreamHub::CloseAll() { members_->Close(); }

int64_t StreamHub::size() const { return members_->size(); }

}  // namespace gradus::api
