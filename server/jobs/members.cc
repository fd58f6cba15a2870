// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/members.h"

#include <span>
#include <tuple>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/jobs/attempts.h"

namespace gradus::jobs {
namespace {

constexpr char kWaits[] = "waits for workers: ";

absl::Status Say(store::Tx& tx, const Context& context, const JobRow& row, v1::LogLine::Level level,
                 const std::string& text) {
  v1::Event event;
  event.mutable_log_line()->set_level(level);
  event.mutable_log_line()->set_text(text);
  return context.parts.events->Append(tx, row.job.id(), row.job.attempt(), std::span(&event, 1));
}

absl::Status WithJob(const Context& context, const executors::RankKey& leader,
                     absl::FunctionRef<absl::Status(store::Tx&, JobRow&)> change) {
  return context.DriverWrite([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, leader.job));
    if (!CheckCurrent(row, leader).ok()) return absl::OkStatus();
    return change(tx, row);
  });
}

absl::StatusOr<int64_t> NewestCheckpoint(store::ReadTx& tx, const std::string& job) {
  ASSIGN_OR_RETURN(const auto newest,
                   tx.QueryOne<int64_t>(
                       "SELECT COALESCE(MAX(number), 0) FROM checkpoints WHERE job = :job", job));
  return newest.has_value() ? std::get<0>(*newest) : 0;
}

std::string InWords(const MemberLoss& loss) {
  const std::string lost = absl::StrCat("worker ", loss.member, " was lost: ", loss.reason, "; ");
  if (loss.left >= loss.fewest)
    return absl::StrCat(lost, loss.left, loss.left == 1 ? " goes on" : " go on");
  return absl::StrCat(lost, loss.left, " of ", loss.fewest, " are left");
}

}  // namespace

absl::StatusOr<int64_t> StoreLoss(const Context& context, const executors::RankKey& leader,
                                  const MemberLoss& loss) {
  int64_t newest = 0;
  RETURN_IF_ERROR(context.DriverWrite([&](store::Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(EndAttempt(tx, loss.key.fence, loss.reason, context.parts.clock->NowMicros()));
    ASSIGN_OR_RETURN(const JobRow row, LoadJob(tx, leader.job));
    if (!CheckCurrent(row, leader).ok()) return absl::OkStatus();
    ASSIGN_OR_RETURN(newest, NewestCheckpoint(tx, leader.job));
    if (!loss.last_words.empty())
      RETURN_IF_ERROR(Say(tx, context, row, v1::LogLine::ERROR, loss.last_words));
    return Say(tx, context, row, v1::LogLine::WARNING, InWords(loss));
  }));
  return newest;
}

absl::Status StoreMemberEnd(const Context& context, const executors::RankKey& key,
                            const std::string& ending) {
  return context.DriverWrite([&](store::Tx& tx) {
    return EndAttempt(tx, key.fence, ending, context.parts.clock->NowMicros());
  });
}

absl::Status StorePlaceGiven(const Context& context, const executors::RankKey& leader,
                             const executors::RankKey& key, int member) {
  return WithJob(context, leader, [&](store::Tx& tx, JobRow& row) -> absl::Status {
    RETURN_IF_ERROR(EndAttempt(tx, key.fence, "made room for a job that waits",
                               context.parts.clock->NowMicros()));
    return Say(tx, context, row, v1::LogLine::INFO,
               absl::StrCat("worker ", member, " makes room for a job that waits"));
  });
}

absl::Status StoreMeeting(const Context& context, const executors::RankKey& leader, int workers) {
  return WithJob(context, leader, [&](store::Tx& tx, JobRow& row) -> absl::Status {
    row.job.set_workers(workers);
    if (absl::StartsWith(row.job.reason(), kWaits)) row.job.clear_reason();
    RETURN_IF_ERROR(SaveJob(tx, row));
    return Say(tx, context, row, v1::LogLine::INFO,
               workers == 1 ? "1 worker computes alone"
                            : absl::StrCat(workers, " workers compute together"));
  });
}

absl::Status StoreWaiting(const Context& context, const executors::RankKey& leader, int workers,
                          int fewest) {
  return WithJob(context, leader, [&](store::Tx& tx, JobRow& row) -> absl::Status {
    const std::string reason = absl::StrCat(kWaits, workers, " of ", fewest);
    row.job.clear_workers();
    // What leads elsewhere has a reason of its own.
    if (row.job.state() == v1::Job::RUNNING) row.job.set_reason(reason);
    RETURN_IF_ERROR(SaveJob(tx, row));
    return Say(tx, context, row, v1::LogLine::INFO, reason);
  });
}

}  // namespace gradus::jobs
