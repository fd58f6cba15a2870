// SPDX-License-Identifier: Apache-2.0
#include "engine/collective/mpi_group.h"

#include <mpi.h>

#include <array>
#include <atomic>
#include <climits>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"

namespace gradus::collective {

struct MpiProcess::World {
  Options options;
  int rank = 0;
  int size = 1;
  int largest_tag = 32767;

  std::atomic<bool> broken{false};
  base::Mutex mu;
  absl::Status why ABSL_GUARDED_BY(mu);

  // The first reason counts; returns it.
  absl::Status Break(absl::Status status) {
    const base::MutexLock lock(mu);
    if (why.ok()) why = std::move(status);
    broken.store(true);
    return why;
  }
  absl::Status Check() {
    if (!broken.load()) return absl::OkStatus();
    const base::MutexLock lock(mu);
    return why;
  }
};

namespace {

using Clock = std::chrono::steady_clock;

// Rounds of asking before a wait sleeps between them: a message on one machine takes about 20 us.
constexpr int kEagerRounds = 2'000;
constexpr std::chrono::microseconds kNap{50};

std::string What(int error) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(error, text.data(), &length) != MPI_SUCCESS)
    return absl::StrCat("MPI error ", error);
  return std::string(text.data(), static_cast<size_t>(length));
}

absl::Status Lost(absl::string_view doing, int error) {
  return absl::UnavailableError(absl::StrCat(doing, ": ", What(error)));
}

class MpiTransfer final : public Transfer {
 public:
  MpiTransfer(MpiProcess::World& world, int peer, int received_bytes)
      : world_(world), peer_(peer), received_bytes_(received_bytes) {}

  // A request under way is left to a world that makes no progress any more.
  ~MpiTransfer() override {
    if (request_ == MPI_REQUEST_NULL) return;
    const absl::Status given_up =
        world_.Break(absl::UnavailableError("a message was given up on its way"));
  }

  MPI_Request* request() { return &request_; }

  absl::Status Wait() override {
    const Clock::time_point end = Clock::now() + world_.options.silence_timeout;
    for (int round = 0; request_ != MPI_REQUEST_NULL; ++round) {
      RETURN_IF_ERROR(world_.Check());
      int done = 0;
      MPI_Status status;
      if (const int error = MPI_Test(&request_, &done, &status); error != MPI_SUCCESS)
        return world_.Break(Lost(absl::StrCat("rank ", peer_), error));
      if (done != 0) return CheckSize(status);
      if (round < kEagerRounds) {
        std::this_thread::yield();
      } else if (Clock::now() > end) {
        return world_.Break(
            absl::UnavailableError(absl::StrCat("rank ", peer_, " was silent for too long")));
      } else {
        std::this_thread::sleep_for(kNap);
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckSize(const MPI_Status& status) {
    int count = 0;
    if (received_bytes_ < 0) return absl::OkStatus();
    if (MPI_Get_count(&status, MPI_BYTE, &count) == MPI_SUCCESS && count == received_bytes_)
      return absl::OkStatus();
    return world_.Break(absl::UnavailableError(absl::StrCat(
        "rank ", peer_, " sent ", count, " bytes where ", received_bytes_, " were awaited")));
  }

  MpiProcess::World& world_;
  const int peer_;
  const int received_bytes_;  // -1 of one that sends
  MPI_Request request_ = MPI_REQUEST_NULL;
};

class MpiGroup final : public Group {
 public:
  explicit MpiGroup(MpiProcess::World& world) : world_(world) {}

  int rank() const override { return world_.rank; }
  int size() const override { return world_.size; }

  absl::StatusOr<std::unique_ptr<Transfer>> Send(int peer, uint32_t channel,
                                                 std::span<const std::byte> bytes) override {
    RETURN_IF_ERROR(Check(peer, channel, bytes.size()));
    auto transfer = std::make_unique<MpiTransfer>(world_, peer, -1);
    const int error = MPI_Isend(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, peer,
                                static_cast<int>(channel), MPI_COMM_WORLD, transfer->request());
    if (error != MPI_SUCCESS) return world_.Break(Lost(absl::StrCat("rank ", peer), error));
    return transfer;
  }

  absl::StatusOr<std::unique_ptr<Transfer>> Receive(int peer, uint32_t channel,
                                                    std::span<std::byte> bytes) override {
    RETURN_IF_ERROR(Check(peer, channel, bytes.size()));
    const auto size = static_cast<int>(bytes.size());
    auto transfer = std::make_unique<MpiTransfer>(world_, peer, size);
    const int error = MPI_Irecv(bytes.data(), size, MPI_BYTE, peer, static_cast<int>(channel),
                                MPI_COMM_WORLD, transfer->request());
    if (error != MPI_SUCCESS) return world_.Break(Lost(absl::StrCat("rank ", peer), error));
    return transfer;
  }

  void Abort() override {
    const absl::Status why = world_.Break(absl::AbortedError("the group was given up"));
  }

 private:
  absl::Status Check(int peer, uint32_t channel, size_t bytes) {
    RETURN_IF_ERROR(world_.Check());
    if (peer >= 0 && peer < world_.size && peer != world_.rank && bytes > 0 && bytes <= INT_MAX &&
        channel <= static_cast<uint32_t>(world_.largest_tag)) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("a message of ", bytes, " bytes between ranks ",
                                                   world_.rank, " and ", peer, " on channel ",
                                                   channel));
  }

  MpiProcess::World& world_;
};

}  // namespace

MpiProcess::MpiProcess(std::unique_ptr<World> world) : world_(std::move(world)) {}

absl::StatusOr<std::unique_ptr<MpiProcess>> MpiProcess::Start(const Options& options) {
  int threads = MPI_THREAD_SINGLE;
  if (const int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &threads);
      error != MPI_SUCCESS) {
    return Lost("initializing MPI", error);
  }
  if (threads < MPI_THREAD_SERIALIZED)
    return absl::UnavailableError("this MPI cannot be used by several threads");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  auto world = std::make_unique<World>();
  world->options = options;
  MPI_Comm_rank(MPI_COMM_WORLD, &world->rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world->size);
  void* largest = nullptr;
  int known = 0;
  MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &largest, &known);
  if (known != 0) world->largest_tag = *static_cast<const int*>(largest);
  return std::unique_ptr<MpiProcess>(new MpiProcess(std::move(world)));
}

MpiProcess::~MpiProcess() {
  if (!world_->broken.load()) MPI_Finalize();
}

absl::StatusOr<std::unique_ptr<Group>> MpiProcess::Join() {
  RETURN_IF_ERROR(world_->Check());
  return std::make_unique<MpiGroup>(*world_);
}

}  // namespace gradus::collective
