// SPDX-License-Identifier: Apache-2.0
#include "server/auth/tokens.h"

#include <set>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"

namespace gradus::auth {
namespace {

// The prefix lets scanners for leaked secrets recognise one.
constexpr absl::string_view kPrefix = "gradus_";
constexpr size_t kRandomBytes = 32;
constexpr size_t kSecretSize = kPrefix.size() + 2 * kRandomBytes;

Role RoleOf(std::string_view name) {
  if (name == RoleName(Role::kAdmin)) return Role::kAdmin;
  if (name == RoleName(Role::kWorker)) return Role::kWorker;
  return Role::kUser;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokens>> Tokens::Load(store::Store& store, const base::Clock& clock,
                                                     base::RandomSource& random) {
  std::unique_ptr<Tokens> tokens(new Tokens(store, clock, random));
  RETURN_IF_ERROR(tokens->Reload());
  return tokens;
}

absl::Status Tokens::Reload() {
  // One at a time, so that the last to be kept is the last to be read.
  base::MutexLock turn(reload_mu_);
  int64_t changes = 0;
  {
    base::MutexLock lock(mu_);
    changes = changes_;
  }
  while (true) {
    std::map<std::string, Principal, std::less<>> read;
    RETURN_IF_ERROR(store_.Read([&](store::ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(
          auto rows,
          (tx.Query<std::string, std::string, std::string, std::string, int64_t, int64_t>(
              "SELECT sha256, user_name, role, job, attempt, expires_at FROM auth_tokens")));
      for (auto& [sha256, user, role, job, attempt, expires_at] : rows) {
        read.emplace(sha256, Principal{.user = user,
                                       .role = RoleOf(role),
                                       .expires_at_micros = expires_at,
                                       .job = job,
                                       .attempt = static_cast<int32_t>(attempt)});
      }
      return absl::OkStatus();
    }));
    base::MutexLock lock(mu_);
    // What was read is older than a change that was made here meanwhile.
    if (changes == changes_) {
      rows_ = std::move(read);
      return absl::OkStatus();
    }
    changes = changes_;
  }
}

absl::StatusOr<std::string> Tokens::Issue(const std::string& user, Role role, int64_t life_micros) {
  if (user.empty()) return base::InvalidArgument("user", "\"\"", "a user's name");
  if (role == Role::kWorker)
    return base::InvalidArgument("role", "worker", "a person's role: user, admin");
  if (life_micros <= 0 || life_micros > kLongestTokenLife) {
    return base::InvalidArgument("life", absl::StrCat(life_micros / kMicrosPerDay, " days"),
                                 "within 90 days");
  }
  std::string secret;
  RETURN_IF_ERROR(store_.Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(secret, Insert(tx, {.user = user,
                                         .role = role,
                                         .expires_at_micros = clock_.NowMicros() + life_micros}));
    return absl::OkStatus();
  }));
  return secret;
}

absl::StatusOr<std::string> Tokens::IssueForAttempt(store::Tx& tx, const std::string& job,
                                                    int32_t attempt) {
  RETURN_IF_ERROR(
      tx.Execute("DELETE FROM auth_tokens WHERE job = :job AND attempt < :attempt", job, attempt));
  RETURN_IF_ERROR(tx.Announce(store::kTokensTopic, job));
  tx.OnCommit([this, job, attempt] {
    base::MutexLock lock(mu_);
    ++changes_;
    std::erase_if(rows_, [&](const auto& row) {
      return row.second.job == job && row.second.attempt < attempt;
    });
  });
  return Insert(tx, {.role = Role::kWorker,
                     .expires_at_micros = clock_.NowMicros() + kLongestTokenLife,
                     .job = job,
                     .attempt = attempt});
}

absl::StatusOr<std::string> Tokens::Insert(store::Tx& tx, const Principal& principal) {
  const std::string secret = absl::StrCat(kPrefix, base::RandomHex(random_, kRandomBytes));
  const std::string sha256 = base::Sha256Hex(std::string_view(secret.data(), secret.size()));
  RETURN_IF_ERROR(tx.Execute(
      "INSERT INTO auth_tokens (sha256, user_name, role, job, attempt, issued_at, expires_at)"
      " VALUES (:sha256, :user, :role, :job, :attempt, :issued, :expires)",
      sha256, principal.user, RoleName(principal.role), principal.job, principal.attempt,
      clock_.NowMicros(), principal.expires_at_micros));
  RETURN_IF_ERROR(tx.Announce(store::kTokensTopic, ""));
  tx.OnCommit([this, sha256, principal] {
    base::MutexLock lock(mu_);
    ++changes_;
    rows_.emplace(sha256, principal);
  });
  return secret;
}

absl::StatusOr<Principal> Tokens::Check(absl::string_view secret) const {
  const absl::Status refused =
      absl::UnauthenticatedError("the token is not valid: unknown, revoked or expired");
  if (secret.size() != kSecretSize || !absl::StartsWith(secret, kPrefix)) return refused;
  const std::string digest = base::Sha256Hex(std::string_view(secret.data(), secret.size()));
  const int64_t now = clock_.NowMicros();
  base::MutexLock lock(mu_);
  // The search's time depends on digests alone, which nobody can steer towards a stored one; the
  // comparison that counts takes the same time wherever the digests differ.
  const auto row = rows_.lower_bound(digest);
  if (row == rows_.end() || !base::ConstantTimeEqual(row->first, digest)) return refused;
  if (row->second.expires_at_micros <= now) return refused;
  return row->second;
}

absl::Status Tokens::Remove(absl::FunctionRef<bool(const Principal&)> gone) {
  std::vector<std::string> digests;
  {
    base::MutexLock lock(mu_);
    ++changes_;
    for (auto row = rows_.begin(); row != rows_.end();) {
      if (gone(row->second)) {
        digests.push_back(row->first);
        row = rows_.erase(row);
      } else {
        ++row;
      }
    }
  }
  if (digests.empty()) return absl::OkStatus();
  return store_.Write([&](store::Tx& tx) -> absl::Status {
    for (const std::string& sha256 : digests) {
      RETURN_IF_ERROR(tx.Execute("DELETE FROM auth_tokens WHERE sha256 = :sha256", sha256));
    }
    // A Reload may have read them meanwhile.
    tx.OnCommit([this, &digests] {
      base::MutexLock lock(mu_);
      ++changes_;
      for (const std::string& sha256 : digests) rows_.erase(sha256);
    });
    return tx.Announce(store::kTokensTopic, "");
  });
}

absl::Status Tokens::RevokeUser(const std::string& user) {
  // Those that another server has just issued, too.
  if (store_.shared()) RETURN_IF_ERROR(Reload());
  return Remove([&](const Principal& principal) {
    return principal.role != Role::kWorker && principal.user == user;
  });
}

absl::Status Tokens::Tidy(absl::FunctionRef<bool(const std::string& job)> ended) {
  // `ended` may ask the store, so it is asked without the lock.
  std::set<std::string> jobs;
  {
    base::MutexLock lock(mu_);
    for (const auto& [sha256, principal] : rows_) {
      if (principal.role == Role::kWorker) jobs.insert(principal.job);
    }
  }
  std::erase_if(jobs, [&](const std::string& job) { return !ended(job); });
  const int64_t now = clock_.NowMicros();
  return Remove([&](const Principal& principal) {
    return principal.expires_at_micros <= now ||
           (principal.role == Role::kWorker && jobs.contains(principal.job));
  });
}

}  // namespace gradus::auth
