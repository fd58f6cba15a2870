// SPDX-License-Identifier: Apache-2.0
// A job as it lies in the table jobs.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/store/tx.h"

namespace gradus::jobs {

// Everything but the spec, which never changes and is read only where it is needed.
struct JobRow {
  v1::Job job;         // without its spec
  int64_t number = 0;  // order of submission
  int32_t priority = 0;
  int32_t cores = 0;   // of each worker
  int64_t memory = 0;  // bytes, of each worker
  int32_t min_workers = 1;
  int32_t max_workers = 1;
  int64_t fence = 0;          // the current attempt's; 0 without one
  int32_t failures = 0;       // attempts that were lost
  int64_t not_before = 0;     // monotonic micros: no attempt before; 0 for none
  int64_t time_limit = 0;     // micros; 0 for none
  int64_t ran_micros = 0;     // running time of all attempts up to running_since
  int64_t running_since = 0;  // monotonic micros; 0 while no attempt runs
};

bool IsFinal(v1::Job::State state);
// Whether an attempt belongs to the state: cores and memory are taken.
bool HasAttempt(v1::Job::State state);

absl::StatusOr<JobRow> LoadJob(store::ReadTx& tx, const std::string& id);
absl::StatusOr<v1::JobSpec> LoadSpec(store::ReadTx& tx, const std::string& id);
// Datasets and memory limit; spec and checkpoints are left out.
absl::StatusOr<v1::Assignment> LoadAssignment(store::ReadTx& tx, const std::string& id);

absl::Status InsertJob(store::Tx& tx, const JobRow& row, const v1::JobSpec& spec,
                       const v1::Assignment& assignment);
absl::Status SaveJob(store::Tx& tx, const JobRow& row);

// The next value of a counter ("job_number", "fence"), never given before.
absl::StatusOr<int64_t> NextNumber(store::Tx& tx, const std::string& counter);

void SetTime(int64_t micros, google::protobuf::Timestamp* time);

}  // namespace gradus::jobs
