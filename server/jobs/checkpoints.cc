// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/checkpoints.h"

#include <tuple>

#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"
#include "server/store/blobs.h"

namespace gradus::jobs {
namespace {

constexpr char kKind[] = "checkpoint";

std::string OwnerOf(const std::string& job, int64_t number) {
  return absl::StrCat(job, "/", number);
}

absl::Status Drop(store::Tx& tx, const std::string& job, int64_t number) {
  RETURN_IF_ERROR(store::BlobStore::DropRefs(tx, kKind, OwnerOf(job, number)));
  return tx.Execute("DELETE FROM checkpoints WHERE job = :job AND number = :number", job, number);
}

absl::StatusOr<std::vector<int64_t>> Numbers(store::ReadTx& tx, const std::string& job) {
  ASSIGN_OR_RETURN(
      auto rows, tx.Query<int64_t>(
                     "SELECT number FROM checkpoints WHERE job = :job ORDER BY number DESC", job));
  std::vector<int64_t> numbers;
  for (const auto& [number] : rows) numbers.push_back(number);
  return numbers;
}

}  // namespace

absl::Status AddCheckpoint(store::Tx& tx, const std::string& job,
                           const v1::CheckpointReady& checkpoint, int64_t number, int keep_last) {
  RETURN_IF_ERROR(store::BlobStore::AddRef(tx, checkpoint.blob(), kKind, OwnerOf(job, number)));
  FAILPOINT("jobs.checkpoint.before_row");
  RETURN_IF_ERROR(
      tx.Execute("INSERT INTO checkpoints (job, number, sha256, size, step, epoch, stage)"
                 " VALUES (:job, :number, :sha, :size, :step, :epoch, :stage)",
                 job, number, checkpoint.blob().sha256(), checkpoint.blob().size(),
                 checkpoint.step(), checkpoint.epoch(), checkpoint.stage()));
  ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, Numbers(tx, job));
  for (size_t i = static_cast<size_t>(keep_last); i < numbers.size(); ++i)
    RETURN_IF_ERROR(Drop(tx, job, numbers[i]));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::CheckpointReady>> LoadCheckpoints(store::ReadTx& tx,
                                                                 const std::string& job) {
  ASSIGN_OR_RETURN(auto rows,
                   (tx.Query<std::string, int64_t, int64_t, int64_t, int64_t>(
                       "SELECT sha256, size, step, epoch, stage FROM checkpoints WHERE job = :job"
                       " ORDER BY number DESC",
                       job)));
  std::vector<v1::CheckpointReady> checkpoints;
  for (const auto& [sha256, size, step, epoch, stage] : rows) {
    v1::CheckpointReady& checkpoint = checkpoints.emplace_back();
    checkpoint.mutable_blob()->set_sha256(sha256);
    checkpoint.mutable_blob()->set_size(size);
    checkpoint.set_step(step);
    checkpoint.set_epoch(epoch);
    checkpoint.set_stage(static_cast<int32_t>(stage));
  }
  return checkpoints;
}

absl::Status DropCheckpoints(store::Tx& tx, const std::string& job) {
  ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, Numbers(tx, job));
  for (const int64_t number : numbers) RETURN_IF_ERROR(Drop(tx, job, number));
  return absl::OkStatus();
}

}  // namespace gradus::jobs
