// SPDX-License-Identifier: Apache-2.0
// One thread that waits for requests and for all processes together.
#include "server/serving/pool.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "engine/base/descriptor.h"
#include "engine/base/mutex.h"
#include "proto/support/status.h"
#include "server/serving/residents.h"

namespace gradus::serving {
namespace {

constexpr int64_t kLongestWaitMicros = 60'000'000;
constexpr absl::Duration kTryAgainAfter = absl::Seconds(1);

class PoolThread final : public Pool {
 public:
  PoolThread(base::Clock* clock, const PoolOptions& options)
      : clock_(*clock),
        options_(options),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        residents_(*clock, options),
        thread_([this] { Run(); }) {}
  ~PoolThread() override {
    Close();
    thread_.join();
  }

  void Predict(std::shared_ptr<const Loadable> model, int64_t rows, std::string inputs,
               Done done) override {
    const int64_t bytes = static_cast<int64_t>(inputs.size()) + rows * model->answer_bytes;
    absl::Status refused;
    {
      base::MutexLock lock(mu_);
      refused = Admit(bytes);
      if (refused.ok()) {
        inbox_.push_back({.model = std::move(model),
                          .rows = rows,
                          .inputs = std::move(inputs),
                          .done = [this, bytes, done](absl::StatusOr<std::string> outputs) {
                            Release(bytes);
                            done(std::move(outputs));
                          }});
      }
    }
    if (!refused.ok()) return done(refused);
    Wake();
  }

  void Close() override {
    {
      base::MutexLock lock(mu_);
      closed_ = true;
    }
    Wake();
  }

  std::vector<std::string> Loaded() override {
    base::MutexLock lock(mu_);
    return loaded_;
  }

 private:
  absl::Status Admit(int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (closed_) return absl::UnavailableError("the server stops");
    if (requests_ >= options_.most_requests || bytes_ + bytes > options_.most_request_bytes) {
      return support::WithRetryDelay(
          absl::ResourceExhaustedError("too many predictions wait: try again"), kTryAgainAfter);
    }
    ++requests_;
    bytes_ += bytes;
    return absl::OkStatus();
  }

  void Release(int64_t bytes) {
    base::MutexLock lock(mu_);
    --requests_;
    bytes_ -= bytes;
  }

  void Wake() {
    const uint64_t one = 1;
    // It fails where the thread has been woken so often that it must be up.
    [[maybe_unused]] const ssize_t count = ::write(wake_.get(), &one, sizeof(one));
  }

  // False once the pool is closed.
  bool TakeInbox() {
    std::vector<Pending> pending;
    bool open = false;
    {
      base::MutexLock lock(mu_);
      pending.swap(inbox_);
      open = !closed_;
    }
    for (Pending& one : pending) residents_.Submit(std::move(one));
    return open;
  }

  void ShowLoaded() {
    std::vector<std::string> loaded = residents_.Loaded();
    base::MutexLock lock(mu_);
    loaded_ = std::move(loaded);
  }

  void Wait() {
    std::vector<pollfd> fds = {{wake_.get(), POLLIN, 0}};
    residents_.Watch(&fds);
    const int64_t left = residents_.NextDeadline() - clock_.MonotonicMicros();
    const int64_t millis = std::clamp<int64_t>(left, 0, kLongestWaitMicros) / 1000 + 1;
    if (::poll(fds.data(), fds.size(), static_cast<int>(millis)) <= 0) return;
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t read = ::read(wake_.get(), &count, sizeof(count));
    residents_.Handle(fds.data() + 1, fds.size() - 1);
  }

  void Run() {
    while (TakeInbox()) {
      residents_.Step();
      ShowLoaded();
      Wait();
    }
    residents_.Close(absl::UnavailableError("the server stops"));
  }

  base::Clock& clock_;
  const PoolOptions options_;
  const base::Descriptor wake_;
  Residents residents_;  // the thread's

  base::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t requests_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Pending> inbox_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> loaded_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace

std::unique_ptr<Pool> Pool::Start(base::Clock* clock, const PoolOptions& options) {
  return std::make_unique<PoolThread>(clock, options);
}

}  // namespace gradus::serving
