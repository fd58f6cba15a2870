// SPDX-License-Identifier: Apache-2.0
#include "server/executors/slurm_names.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "engine/base/names.h"

namespace gradus::executors {
namespace {

constexpr char kLeader[] = "leader";
constexpr char kMembers[] = "members";
constexpr char kOf[] = "of";

std::vector<std::string> Split(std::string_view text, char at) {
  return absl::StrSplit(absl::string_view(text.data(), text.size()), at);
}

// The ranks of a comment; none where it is not one of ours.
SlurmRanks ParseComment(std::string_view comment) {
  SlurmRanks ranks;
  for (const std::string& word : Split(comment, ' ')) {
    int64_t fence = 0;
    if (word == kOf) break;
    if (word == kLeader && ranks.fences.empty()) {
      ranks.has_leader = true;
    } else if (absl::SimpleAtoi(word, &fence) && fence > 0) {
      ranks.fences.push_back(fence);
    } else if (word != kMembers) {
      return {};
    }
  }
  return ranks;
}

}  // namespace

std::string SlurmPrefix(const std::string& store_id) {
  return absl::StrCat("gradus-", store_id, "-");
}

std::string SlurmName(const std::string& store_id, const SlurmRanks& ranks) {
  return absl::StrCat(SlurmPrefix(store_id), ranks.job, "-", ranks.attempt, "-",
                      ranks.fences.front());
}

std::string SlurmComment(const SlurmRanks& ranks, const std::string& job_name) {
  std::vector<std::string> words;
  size_t next = 0;
  if (ranks.has_leader) {
    words.push_back(kLeader);
    words.push_back(absl::StrCat(ranks.fences[next++]));
  }
  if (next < ranks.fences.size()) words.push_back(kMembers);
  for (; next < ranks.fences.size(); ++next) words.push_back(absl::StrCat(ranks.fences[next]));
  if (base::IsName(job_name)) {
    words.push_back(kOf);
    words.push_back(job_name);
  }
  return absl::StrJoin(words, " ");
}

std::optional<SlurmRanks> ParseSlurmNames(std::string_view name, std::string_view comment,
                                          const std::string& store_id) {
  const std::string prefix = SlurmPrefix(store_id);
  if (!name.starts_with(prefix)) return std::nullopt;
  const std::vector<std::string> parts = Split(name.substr(prefix.size()), '-');
  int64_t fence = 0;
  SlurmRanks ranks = ParseComment(comment);
  if (parts.size() != 3 || parts[0].empty() || !absl::SimpleAtoi(parts[1], &ranks.attempt) ||
      !absl::SimpleAtoi(parts[2], &fence) || ranks.attempt <= 0 || fence <= 0)
    return std::nullopt;
  ranks.job = parts[0];
  if (ranks.fences.empty() || ranks.fences.front() != fence) {
    ranks.has_leader = true;
    ranks.fences = {fence};
  }
  return ranks;
}

}  // namespace gradus::executors
