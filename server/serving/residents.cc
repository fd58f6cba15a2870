// SPDX-License-Identifier: Apache-2.0
// Requests on their way to processes and back.
#include "server/serving/residents.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "engine/base/log.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "proto/support/status.h"

namespace gradus::serving {
namespace {

// A version whose processes die more often than that is left alone for a while.
constexpr size_t kMostDeaths = 5;
constexpr int64_t kDeathsMicros = int64_t{60} * 1'000'000;

// What a process says of itself is believed no further than that.
constexpr size_t kMostReasonBytes = 1024;

absl::Status StatusOf(const v1::ServeAnswer& answer) {
  const auto code = static_cast<absl::StatusCode>(answer.code());
  const bool known = code == absl::StatusCode::kInvalidArgument ||
                     code == absl::StatusCode::kResourceExhausted ||
                     code == absl::StatusCode::kDataLoss || code == absl::StatusCode::kNotFound;
  return {known ? code : absl::StatusCode::kInternal,
          base::Shown(answer.message(), kMostReasonBytes)};
}

}  // namespace

void Residents::Submit(Pending pending) {
  const std::string& ref = pending.model->ref;
  const absl::Status alive = CheckDeaths(ref);
  if (!alive.ok()) return pending.done(alive);
  Owned& resident = residents_[ref];
  if (resident == nullptr) {
    resident = std::make_unique<Resident>();
    resident->model = pending.model;
    resident->memory = pending.model->memory;
    waiting_.push_back(ref);
  }
  resident->used_micros = clock_.MonotonicMicros();
  resident->queued.push_back(std::move(pending));
  if (resident->loaded) SendQueued(*resident);
}

void Residents::SendQueued(Resident& resident) {
  const auto& asked = resident.asked;
  while (!resident.queued.empty()) {
    // One that goes alone may be what killed the process before: its neighbours shall live.
    const bool alone = resident.queued.front().again;
    if (!asked.empty() && (alone || asked.begin()->second.again)) return;
    Send(resident, std::move(resident.queued.front()));
    resident.queued.pop_front();
  }
}

void Residents::Send(Resident& resident, Pending pending) {
  v1::ServeRequest request;
  request.set_id(next_id_++);
  request.set_rows(pending.rows);
  request.set_inputs(pending.inputs);
  resident.process->Ask(request);
  if (resident.asked.empty())
    resident.deadline_micros = clock_.MonotonicMicros() + options_.answer_micros;
  resident.asked.emplace(request.id(), std::move(pending));
}

void Residents::Watch(std::vector<pollfd>* fds) {
  watched_.clear();
  const auto add = [&](Resident& resident) {
    if (resident.process == nullptr) return;
    watched_.push_back(&resident);
    const bool writes = resident.process->wants_to_write();
    fds->push_back(
        {resident.process->fd(), static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0});
  };
  for (const auto& [ref, resident] : residents_) add(*resident);
  for (const Owned& resident : leaving_) add(*resident);
}

void Residents::Handle(const pollfd* fds, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (fds[i].revents != 0) Exchange(*watched_[i]);
  }
}

void Residents::Exchange(Resident& resident) {
  std::vector<v1::ServeAnswer> answers;
  const absl::Status status = resident.process->Exchange(&answers);
  for (v1::ServeAnswer& answer : answers) {
    if (answer.id() != 0) {
      const absl::Status taken = TakeAnswer(resident, std::move(answer));
      if (!taken.ok()) return Lose(resident, taken);
    } else if (resident.loaded) {
      return Lose(resident, absl::DataLossError("it says twice how its load went"));
    } else {
      const absl::Status loaded =
          answer.code() == 0 ? Welcome(resident, answer.memory()) : StatusOf(answer);
      if (!loaded.ok()) return Refuse(resident, loaded);
    }
  }
  if (!status.ok()) Lose(resident, status);
}

absl::Status Residents::Welcome(Resident& resident, int64_t memory) {
  const int64_t believed = std::max({memory, resident.model->weight_bytes, int64_t{0}});
  RETURN_IF_ERROR(CheckMemory(believed));
  resident.loaded = true;
  resident.memory = believed;
  base::LogInfo("a model is loaded", {{"model", resident.model->ref}, {"bytes", resident.memory}});
  SendQueued(resident);
  return absl::OkStatus();
}

absl::Status Residents::TakeAnswer(Resident& resident, v1::ServeAnswer answer) {
  const auto found = resident.asked.find(answer.id());
  if (found == resident.asked.end()) return absl::DataLossError("it answers what it was not asked");
  const Pending& pending = found->second;
  const int64_t expected = pending.rows * pending.model->answer_bytes;
  if (answer.code() == 0 && static_cast<int64_t>(answer.outputs().size()) != expected) {
    return absl::DataLossError(
        absl::StrCat("its answer has ", answer.outputs().size(), " bytes instead of ", expected));
  }
  const Done done = std::move(found->second.done);
  resident.asked.erase(found);
  resident.deadline_micros = clock_.MonotonicMicros() + options_.answer_micros;
  if (answer.code() != 0) {
    done(StatusOf(answer));
  } else {
    done(std::move(*answer.mutable_outputs()));
  }
  SendQueued(resident);
  return absl::OkStatus();
}

Residents::Owned Residents::Take(const Resident& resident) {
  const auto is = [&](const Owned& owned) { return owned.get() == &resident; };
  const auto leaving = std::find_if(leaving_.begin(), leaving_.end(), is);
  if (leaving != leaving_.end()) {
    Owned owned = std::move(*leaving);
    leaving_.erase(leaving);
    return owned;
  }
  const auto found = residents_.find(resident.model->ref);
  Owned owned = std::move(found->second);
  residents_.erase(found);
  return owned;
}

void Residents::Lose(const Resident& resident, const absl::Status& why) {
  const Owned lost = Take(resident);
  const absl::Status how = lost->process->End();
  const std::string& ref = lost->model->ref;
  base::LogWarning("the process of a loaded model is lost",
                   {{"model", ref}, {"reason", why}, {"ending", how}});
  deaths_[ref].push_back(clock_.MonotonicMicros());
  const auto ask_again = [&](Pending& pending) {
    if (pending.again) {
      // No code that clients take as an invitation to ask a third time.
      return pending.done(absl::InternalError(
          absl::StrCat("the process that answers for ", ref, " was lost twice over this request")));
    }
    pending.again = true;
    Submit(std::move(pending));
  };
  for (auto& [id, pending] : lost->asked) ask_again(pending);
  for (Pending& pending : lost->queued) {
    // What waited behind others has no part in it; what waited for a load may.
    if (lost->loaded) {
      Submit(std::move(pending));
    } else {
      ask_again(pending);
    }
  }
}

void Residents::Refuse(const Resident& resident, const absl::Status& status) {
  const Owned refused = Take(resident);
  base::LogWarning("a model cannot be loaded", {{"model", refused->model->ref}, {"error", status}});
  const absl::Status told = base::Annotate(status, absl::StrCat(refused->model->ref, ": load"));
  for (const Pending& pending : refused->queued) pending.done(told);
}

absl::Status Residents::CheckDeaths(const std::string& ref) {
  const auto found = deaths_.find(ref);
  if (found == deaths_.end()) return absl::OkStatus();
  const int64_t since = clock_.MonotonicMicros() - kDeathsMicros;
  std::deque<int64_t>& deaths = found->second;
  while (!deaths.empty() && deaths.front() <= since) deaths.pop_front();
  if (deaths.size() >= kMostDeaths) {
    return support::WithRetryDelay(
        absl::UnavailableError(absl::StrCat("the process that answers for ", ref, " was lost ",
                                            deaths.size(), " times within a minute")),
        absl::Microseconds(deaths.front() - since));
  }
  if (deaths.empty()) deaths_.erase(found);
  return absl::OkStatus();
}

void Residents::Close(const absl::Status& status) {
  waiting_.clear();
  std::vector<Owned> all = std::move(leaving_);
  for (auto& [ref, resident] : residents_) all.push_back(std::move(resident));
  residents_.clear();
  leaving_.clear();
  for (const Owned& resident : all) {
    resident->process.reset();
    for (const auto& [id, pending] : resident->asked) pending.done(status);
    for (const Pending& pending : resident->queued) pending.done(status);
  }
}

std::vector<std::string> Residents::Loaded() const {
  std::vector<std::string> refs;
  for (const auto& [ref, resident] : residents_) {
    if (resident->loaded) refs.push_back(ref);
  }
  return refs;
}

}  // namespace gradus::serving
