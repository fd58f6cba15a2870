// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/attempts.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "engine/base/status.h"

namespace gradus::jobs {
namespace {

absl::Status Fenced(const executors::RankKey& key) {
  return absl::FailedPreconditionError(absl::StrCat("attempt ", key.attempt, " of job ", key.job,
                                                    " with fence ", key.fence,
                                                    " is over: nothing is taken from it any more"));
}

std::vector<int> ParseCpus(const std::string& text) {
  std::vector<int> cpus;
  for (const absl::string_view word : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int cpu = 0;
    if (absl::SimpleAtoi(word, &cpu)) cpus.push_back(cpu);
  }
  return cpus;
}

}  // namespace

absl::Status InsertAttempt(store::Tx& tx, const AttemptRow& row, int64_t now_micros) {
  return tx.Execute(
      "INSERT INTO attempts (fence, job, attempt, member, handle, cpus, last_worker_seq, finished,"
      " started_at, ended_at, ending) VALUES (:fence, :job, :attempt, :member, :handle, :cpus, 0, "
      "0,"
      " :now, NULL, '')",
      row.key.fence, row.key.job, row.key.attempt, row.member, row.handle,
      absl::StrJoin(row.cpus, ","), now_micros);
}

absl::Status SetHandle(store::Tx& tx, int64_t fence, const std::string& handle) {
  return tx.Execute("UPDATE attempts SET handle = :handle WHERE fence = :fence", handle, fence);
}

absl::Status SetReported(store::Tx& tx, int64_t fence, int64_t last_worker_seq, bool finished) {
  return tx.Execute(
      "UPDATE attempts SET last_worker_seq = :seq, finished = :finished WHERE fence = :fence",
      last_worker_seq, finished, fence);
}

absl::Status EndAttempt(store::Tx& tx, int64_t fence, const std::string& ending,
                        int64_t now_micros) {
  return tx.Execute(
      "UPDATE attempts SET ended_at = :now, ending = :ending WHERE fence = :fence AND ended_at IS "
      "NULL",
      now_micros, ending, fence);
}

absl::StatusOr<AttemptRow> LoadAttempt(store::ReadTx& tx, const executors::RankKey& key) {
  ASSIGN_OR_RETURN(
      auto found,
      (tx.QueryOne<std::string, int64_t, std::string, std::string, int64_t, int64_t, int64_t,
                   int64_t>("SELECT job, attempt, handle, cpus, last_worker_seq, finished, member,"
                            " COALESCE(ended_at, 0) FROM attempts WHERE fence = :fence",
                            key.fence)));
  if (!found.has_value()) return Fenced(key);
  const auto& [job, attempt, handle, cpus, seq, finished, member, ended_at] = *found;
  if (job != key.job || attempt != key.attempt) return Fenced(key);
  return AttemptRow{key,          handle,        ParseCpus(cpus),
                    seq,          finished != 0, static_cast<int32_t>(member),
                    ended_at != 0};
}

absl::StatusOr<std::vector<AttemptRow>> LivingAttempts(store::ReadTx& tx) {
  ASSIGN_OR_RETURN(
      auto rows,
      (tx.Query<int64_t, std::string, int64_t, std::string, std::string, int64_t, int64_t, int64_t>(
          "SELECT fence, job, attempt, handle, cpus, last_worker_seq, finished, member FROM "
          "attempts"
          " WHERE ended_at IS NULL ORDER BY fence")));
  std::vector<AttemptRow> living;
  for (const auto& [fence, job, attempt, handle, cpus, seq, finished, member] : rows) {
    living.push_back({{job, static_cast<int32_t>(attempt), fence},
                      handle,
                      ParseCpus(cpus),
                      seq,
                      finished != 0,
                      static_cast<int32_t>(member)});
  }
  return living;
}

absl::StatusOr<std::vector<std::string>> Endings(store::ReadTx& tx, const std::string& job,
                                                 int limit) {
  ASSIGN_OR_RETURN(
      auto rows,
      (tx.Query<int64_t, std::string>(
          "SELECT attempt, ending FROM attempts WHERE job = :job AND member = 0 AND ended_at"
          " IS NOT NULL ORDER BY attempt DESC LIMIT :n",
          job, limit)));
  std::vector<std::string> endings;
  for (const auto& [attempt, ending] : rows)
    endings.push_back(absl::StrCat("attempt ", attempt, ": worker ", ending));
  return endings;
}

absl::Status CheckCurrent(const JobRow& row, const executors::RankKey& key) {
  if (row.fence != 0 && row.fence == key.fence && row.job.attempt() == key.attempt)
    return absl::OkStatus();
  return Fenced(key);
}

absl::Status CheckRank(const JobRow& row, const AttemptRow& rank) {
  if (rank.member == 0) return CheckCurrent(row, rank.key);
  if (!rank.ended && row.fence != 0 && row.job.attempt() == rank.key.attempt)
    return absl::OkStatus();
  return Fenced(rank.key);
}

}  // namespace gradus::jobs
