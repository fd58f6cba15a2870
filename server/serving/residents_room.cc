// SPDX-License-Identifier: Apache-2.0
// Who is loaded, who leaves, and when.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/byte_size.h"
#include "engine/base/status.h"
#include "server/serving/residents.h"

namespace gradus::serving {
namespace {

// Of two that are not below 0.
int64_t Sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

}  // namespace

Residents::Resident* Residents::LeastUsed(bool idle) const {
  Resident* least = nullptr;
  for (const auto& [ref, resident] : residents_) {
    if (!resident->loaded || (idle && !resident->asked.empty())) continue;
    if (least == nullptr || resident->used_micros < least->used_micros) least = resident.get();
  }
  return least;
}

bool Residents::MakeRoom(int64_t bytes) {
  for (;;) {
    int64_t used = 0, leaving = 0;
    for (const auto& [ref, resident] : residents_)
      used = Sum(used, resident->process != nullptr ? resident->memory : 0);
    for (const Owned& resident : leaving_) leaving = Sum(leaving, resident->memory);
    if (Sum(Sum(used, leaving), bytes) <= options_.memory_bytes) return true;
    if (Resident* idle = LeastUsed(true); idle != nullptr) {
      Take(*idle);
      continue;
    }
    // What leaves will do, once it has answered.
    if (Sum(used, bytes) <= options_.memory_bytes) return false;
    Resident* busy = LeastUsed(false);
    if (busy == nullptr) return false;
    leaving_.push_back(Take(*busy));
  }
}

absl::Status Residents::CheckMemory(int64_t bytes) const {
  if (bytes <= options_.memory_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("it takes about ", base::FormatByteSize(static_cast<uint64_t>(bytes)),
                   ", prediction_memory allows ",
                   base::FormatByteSize(static_cast<uint64_t>(options_.memory_bytes))));
}

void Residents::LoadWaiting() {
  while (!waiting_.empty()) {
    Resident& resident = *residents_.at(waiting_.front());
    const absl::Status fits = CheckMemory(resident.memory);
    if (!fits.ok()) {
      waiting_.pop_front();
      Refuse(resident, fits);
      continue;
    }
    if (!MakeRoom(resident.memory)) return;
    waiting_.pop_front();
    v1::ServeSetup setup;
    *setup.mutable_model() = resident.model->model;
    *setup.mutable_weights() = resident.model->weights;
    setup.set_blob_dir(options_.blob_dir);
    absl::StatusOr<std::unique_ptr<ServedProcess>> process =
        ServedProcess::Start(options_.program, setup, options_.memory_bytes);
    if (!process.ok()) {
      Refuse(resident, process.status());
      continue;
    }
    resident.process = *std::move(process);
    resident.deadline_micros = clock_.MonotonicMicros() + options_.load_micros;
  }
}

int64_t Residents::DueAt(const Resident& resident) const {
  if (resident.process == nullptr) return INT64_MAX;
  if (!resident.loaded || !resident.asked.empty()) return resident.deadline_micros;
  return resident.used_micros + options_.idle_micros;
}

void Residents::Step() {
  const int64_t now = clock_.MonotonicMicros();
  std::vector<Resident*> late, done;
  for (const auto& [ref, resident] : residents_) {
    if (DueAt(*resident) > now) continue;
    (resident->loaded && resident->asked.empty() ? done : late).push_back(resident.get());
  }
  for (const Owned& resident : leaving_) {
    if (resident->asked.empty()) {
      done.push_back(resident.get());
    } else if (DueAt(*resident) <= now) {
      late.push_back(resident.get());
    }
  }
  for (const Resident* resident : done) Take(*resident);
  for (const Resident* resident : late)
    Lose(*resident, absl::DeadlineExceededError("it takes too long"));
  // Those that have turned out larger than estimated make others leave.
  MakeRoom(0);
  LoadWaiting();
}

int64_t Residents::NextDeadline() const {
  int64_t next = INT64_MAX;
  for (const auto& [ref, resident] : residents_) next = std::min(next, DueAt(*resident));
  for (const Owned& resident : leaving_) next = std::min(next, DueAt(*resident));
  return next;
}

}  // namespace gradus::serving
