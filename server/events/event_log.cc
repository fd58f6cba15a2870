// SPDX-License-Identifier: Apache-2.0
#include "server/events/event_log.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"
#include "server/events/watchers.h"
#include "server/store/codec.h"

namespace gradus::events {
namespace {

struct LogState {
  int64_t last_seq = 0;
  bool closed = false;
};

absl::StatusOr<LogState> StateOf(store::ReadTx& tx, const std::string& job) {
  ASSIGN_OR_RETURN(auto row, (tx.QueryOne<int64_t, int64_t>(
                                 "SELECT last_seq, closed FROM event_logs WHERE job = :job", job)));
  if (!row.has_value()) return absl::NotFoundError(absl::StrCat("there is no job ", job));
  return LogState{std::get<0>(*row), std::get<1>(*row) != 0};
}

void Stamp(v1::Event& event, int64_t seq, int32_t attempt, int64_t now_micros) {
  event.set_seq(seq);
  event.set_attempt(attempt);
  event.mutable_time()->set_seconds(now_micros / 1'000'000);
  event.mutable_time()->set_nanos(static_cast<int32_t>(now_micros % 1'000'000) * 1000);
}

using Row = std::tuple<int64_t, std::string>;

absl::StatusOr<std::vector<Row>> Rows(store::ReadTx& tx, const std::string& job,
                                      const ReadOptions& options) {
  if (options.kind == v1::Event::KIND_NOT_SET) {
    return tx.Query<int64_t, std::string>(
        "SELECT seq, data FROM events WHERE job = :job AND seq > :after ORDER BY seq LIMIT :n", job,
        options.after_seq, options.limit);
  }
  return tx.Query<int64_t, std::string>(
      "SELECT seq, data FROM events WHERE job = :job AND kind = :kind AND seq > :after ORDER BY "
      "seq LIMIT :n",
      job, options.kind, options.after_seq, options.limit);
}

// Fills the page up to its limit of bytes; false when rows were left over.
absl::StatusOr<bool> Fill(const std::vector<Row>& rows, const ReadOptions& options, Page& page) {
  size_t bytes = 0;
  for (const auto& [seq, data] : rows) {
    if (bytes > options.max_bytes) return false;
    ASSIGN_OR_RETURN(v1::Event event, store::Decode<v1::Event>(data));
    bytes += event.ByteSizeLong();
    page.next_after = seq;
    page.events.push_back(std::move(event));
  }
  return static_cast<int>(rows.size()) < options.limit;
}

}  // namespace

EventLog::EventLog(store::Store* store, base::Clock* clock)
    : store_(store), clock_(clock), watchers_(std::make_shared<Watchers>()) {}

EventLog::~EventLog() = default;

absl::Status EventLog::Begin(store::Tx& tx, const std::string& job) {
  return tx.Execute("INSERT INTO event_logs (job, last_seq, closed) VALUES (:job, 0, 0)", job);
}

absl::Status EventLog::Append(store::Tx& tx, const std::string& job, int32_t attempt,
                              std::span<v1::Event> events) {
  if (events.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const LogState state, StateOf(tx, job));
  if (state.closed) return absl::FailedPreconditionError(absl::StrCat("job ", job, " has ended"));
  const int64_t now = clock_->NowMicros();
  int64_t seq = state.last_seq;
  for (v1::Event& event : events) {
    Stamp(event, ++seq, attempt, now);
    RETURN_IF_ERROR(
        tx.Execute("INSERT INTO events (job, seq, kind, data) VALUES (:job, :seq, :kind, :data)",
                   job, seq, event.kind_case(), store::Encode(event)));
  }
  RETURN_IF_ERROR(tx.Execute("UPDATE event_logs SET last_seq = :seq WHERE job = :job", seq, job));
  FAILPOINT("events.append.before_commit");
  RETURN_IF_ERROR(tx.Announce(store::kJobTopic, job));
  tx.OnCommit([watchers = watchers_, job] { watchers->Wake(job); });
  return absl::OkStatus();
}

absl::Status EventLog::Close(store::Tx& tx, const std::string& job, int32_t attempt,
                             v1::Event& last) {
  RETURN_IF_ERROR(Append(tx, job, attempt, std::span(&last, 1)));
  return tx.Execute("UPDATE event_logs SET closed = 1 WHERE job = :job", job);
}

absl::StatusOr<Page> EventLog::Read(const std::string& job, const ReadOptions& options) const {
  LogState state;
  std::vector<Row> rows;
  RETURN_IF_ERROR(store_->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(state, StateOf(tx, job));
    if (options.after_seq < 0 || options.after_seq > state.last_seq) {
      return absl::OutOfRangeError(absl::StrCat("after_seq: ", options.after_seq, " is not 0 to ",
                                                state.last_seq, ", the last event of job ", job));
    }
    ASSIGN_OR_RETURN(rows, Rows(tx, job, options));
    return absl::OkStatus();
  }));
  Page page;
  page.next_after = options.after_seq;
  ASSIGN_OR_RETURN(const bool whole, Fill(rows, options, page));
  if (whole) page.next_after = state.last_seq;
  page.closed = state.closed && page.next_after == state.last_seq;
  return page;
}

std::unique_ptr<Subscription> EventLog::Subscribe(const std::string& job,
                                                  std::function<void()> wake) {
  return watchers_->Add(job, std::move(wake));
}

void EventLog::Wake(const std::string& job) { watchers_->Wake(job); }

void EventLog::WakeAll() { watchers_->WakeAll(); }

}  // namespace gradus::events
