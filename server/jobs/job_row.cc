// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/job_row.h"

#include <optional>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/store/codec.h"

namespace gradus::jobs {
namespace {

absl::Status NoSuchJob(const std::string& id) {
  return absl::NotFoundError(absl::StrCat("there is no job ", id));
}

template <typename Message>
absl::StatusOr<Message> LoadColumn(store::ReadTx& tx, const char* sql, const std::string& id) {
  ASSIGN_OR_RETURN(auto found, tx.QueryOne<std::string>(sql, id));
  if (!found.has_value()) return NoSuchJob(id);
  return store::Decode<Message>(std::get<0>(*found));
}

}  // namespace

bool IsFinal(v1::Job::State state) {
  return state == v1::Job::SUCCEEDED || state == v1::Job::FAILED || state == v1::Job::CANCELLED ||
         state == v1::Job::TIMED_OUT;
}

bool HasAttempt(v1::Job::State state) {
  return state == v1::Job::STARTING || state == v1::Job::RUNNING || state == v1::Job::PAUSING ||
         state == v1::Job::CANCELLING;
}

absl::StatusOr<JobRow> LoadJob(store::ReadTx& tx, const std::string& id) {
  ASSIGN_OR_RETURN(
      auto found,
      (tx.QueryOne<std::string, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                   int64_t, int64_t, int64_t, int64_t, int64_t>(
          "SELECT record, number, priority, cores, memory, fence, failures, not_before, time_limit,"
          " ran_micros, running_since, min_workers, max_workers FROM jobs WHERE id = :id",
          id)));
  if (!found.has_value()) return NoSuchJob(id);
  const auto& [record, number, priority, cores, memory, fence, failures, not_before, time_limit,
               ran, since, min_workers, max_workers] = *found;
  JobRow row;
  RETURN_IF_ERROR(store::DecodeInto(record, &row.job));
  row.number = number;
  row.priority = static_cast<int32_t>(priority);
  row.cores = static_cast<int32_t>(cores);
  row.memory = memory;
  row.min_workers = static_cast<int32_t>(min_workers);
  row.max_workers = static_cast<int32_t>(max_workers);
  row.fence = fence;
  row.failures = static_cast<int32_t>(failures);
  row.not_before = not_before;
  row.time_limit = time_limit;
  row.ran_micros = ran;
  row.running_since = since;
  return row;
}

absl::StatusOr<v1::JobSpec> LoadSpec(store::ReadTx& tx, const std::string& id) {
  return LoadColumn<v1::JobSpec>(tx, "SELECT spec FROM jobs WHERE id = :id", id);
}

absl::StatusOr<v1::Assignment> LoadAssignment(store::ReadTx& tx, const std::string& id) {
  return LoadColumn<v1::Assignment>(tx, "SELECT assignment FROM jobs WHERE id = :id", id);
}

absl::Status InsertJob(store::Tx& tx, const JobRow& row, const v1::JobSpec& spec,
                       const v1::Assignment& assignment) {
  RETURN_IF_ERROR(tx.Execute(
      "INSERT INTO jobs (id, number, owner, state, priority, cores, memory, fence, failures, "
      "not_before, time_limit,"
      " ran_micros, running_since, min_workers, max_workers, record, spec, assignment) VALUES (:id,"
      " :number, :owner, :state, :priority, :cores, :memory, :fence, :failures, :not_before,"
      " :time_limit, :ran, :since, :min_workers, :max_workers, :record, :spec, :assignment)",
      row.job.id(), row.number, row.job.owner(), row.job.state(), row.priority, row.cores,
      row.memory, row.fence, row.failures, row.not_before, row.time_limit, row.ran_micros,
      row.running_since, row.min_workers, row.max_workers, store::Encode(row.job),
      store::Encode(spec), store::Encode(assignment)));
  for (const v1::Dataset& dataset : assignment.datasets()) {
    RETURN_IF_ERROR(tx.Execute("INSERT INTO job_datasets (dataset, job) VALUES (:dataset, :job)",
                               dataset.name(), row.job.id()));
  }
  return absl::OkStatus();
}

absl::Status SaveJob(store::Tx& tx, const JobRow& row) {
  return tx.Execute(
      "UPDATE jobs SET state = :state, fence = :fence, failures = :failures, not_before = "
      ":not_before,"
      " ran_micros = :ran, running_since = :since, record = :record WHERE id = :id",
      row.job.state(), row.fence, row.failures, row.not_before, row.ran_micros, row.running_since,
      store::Encode(row.job), row.job.id());
}

absl::StatusOr<int64_t> NextNumber(store::Tx& tx, const std::string& counter) {
  RETURN_IF_ERROR(tx.Execute("UPDATE counters SET value = value + 1 WHERE name = :name", counter));
  ASSIGN_OR_RETURN(auto row,
                   tx.QueryOne<int64_t>("SELECT value FROM counters WHERE name = :name", counter));
  if (!row.has_value()) return absl::InternalError(absl::StrCat("there is no counter ", counter));
  return std::get<0>(*row);
}

void SetTime(int64_t micros, google::protobuf::Timestamp* time) {
  time->set_seconds(micros / 1'000'000);
  time->set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
}

}  // namespace gradus::jobs
