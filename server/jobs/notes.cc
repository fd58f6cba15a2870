// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/notes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::jobs {

void Notes::Open(const std::string& job, int64_t generation, std::set<int64_t> fences) {
  base::MutexLock lock(mu_);
  boards_.insert_or_assign(job, Board{.generation = generation, .fences = std::move(fences)});
}

void Notes::Close(const std::string& job) {
  base::MutexLock lock(mu_);
  boards_.erase(job);
}

absl::StatusOr<Notes::Board*> Notes::Find(const executors::RankKey& key, int64_t generation) {
  const auto found = boards_.find(key.job);
  if (found == boards_.end()) {
    return absl::AbortedError(absl::StrCat("the notes of meeting ", generation, " of job ", key.job,
                                           " are gone with the server that called it"));
  }
  if (generation > found->second.generation) {
    return absl::UnavailableError(
        absl::StrCat("meeting ", generation, " of job ", key.job, " is not known here"));
  }
  if (generation < found->second.generation) {
    return absl::AbortedError(absl::StrCat("meeting ", generation, " of job ", key.job,
                                           " is over: the newest is ", found->second.generation));
  }
  if (!found->second.fences.contains(key.fence)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the rank with fence ", key.fence, " is not in meeting ", generation, " of job ", key.job));
  }
  return &found->second;
}

absl::Status Notes::Put(const executors::RankKey& key, const v1::PutNoteRequest& request) {
  if (request.key().empty() || request.key().size() > kLongestKey) {
    return base::InvalidArgument("key", absl::StrCat(request.key().size(), " bytes"),
                                 absl::StrCat("1 to ", kLongestKey, " bytes"));
  }
  if (request.value().size() > kLongestValue) {
    return base::InvalidArgument("value", absl::StrCat(request.value().size(), " bytes"),
                                 absl::StrCat("at most ", kLongestValue, " bytes"));
  }
  base::MutexLock lock(mu_);
  ASSIGN_OR_RETURN(Board* const board, Find(key, request.generation()));
  const auto old = board->notes.find(request.key());
  const size_t freed = old == board->notes.end() ? 0 : request.key().size() + old->second.size();
  const size_t bytes = board->bytes - freed + request.key().size() + request.value().size();
  if (bytes > kMostBytes || (freed == 0 && board->notes.size() >= kMostNotes)) {
    return absl::ResourceExhaustedError(absl::StrCat("a meeting has at most ", kMostNotes,
                                                     " notes of ", kMostBytes, " bytes together"));
  }
  board->notes.insert_or_assign(request.key(), request.value());
  board->bytes = bytes;
  return absl::OkStatus();
}

absl::StatusOr<v1::GetNotesResponse> Notes::Get(const executors::RankKey& key,
                                                const v1::GetNotesRequest& request) {
  if (request.keys_size() > kMostKeys) {
    return base::InvalidArgument("keys", absl::StrCat(request.keys_size()),
                                 absl::StrCat("at most ", kMostKeys));
  }
  v1::GetNotesResponse response;
  size_t bytes = 0;
  base::MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const Board* const board, Find(key, request.generation()));
  for (const std::string& name : request.keys()) {
    const auto note = board->notes.find(name);
    if (note == board->notes.end()) continue;
    bytes += name.size() + note->second.size();
    if (bytes > kMostAnswered) break;
    (*response.mutable_notes())[name] = note->second;
  }
  return response;
}

}  // namespace gradus::jobs
