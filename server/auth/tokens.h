// SPDX-License-Identifier: Apache-2.0
// Bearer tokens: drawn from 256 random bits, kept as SHA-256 alone, good for at most 90 days.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "server/auth/principal.h"
#include "server/store/store.h"

namespace gradus::auth {

inline constexpr int64_t kMicrosPerDay = int64_t{24} * 3600 * 1'000'000;
inline constexpr int64_t kLongestTokenLife = 90 * kMicrosPerDay;

// Every token of the server, held in memory too, so that a check never waits for the disk.
//   Owns     the table auth_tokens. Store, clock and random must outlive it.
//   Threads  any.
class Tokens {
 public:
  static absl::StatusOr<std::unique_ptr<Tokens>> Load(store::Store& store, const base::Clock& clock,
                                                      base::RandomSource& random);

  // A new token for a person; it is shown this once. INVALID_ARGUMENT for an empty user, the
  // worker's role, or a life that is not within 90 days.
  absl::StatusOr<std::string> Issue(const std::string& user, Role role, int64_t life_micros);

  // A new token for one worker of a job's attempt, good from the commit of `tx` on; the tokens of
  // the job's earlier attempts end with it, those of the same attempt stay.
  absl::StatusOr<std::string> IssueForAttempt(store::Tx& tx, const std::string& job,
                                              int32_t attempt);

  // Reads the table again: another server on it has issued or ended some.
  absl::Status Reload();

  // UNAUTHENTICATED for a secret that is unknown, revoked or expired; which of them is not told.
  absl::StatusOr<Principal> Check(absl::string_view secret) const;

  // Ends all tokens of a person. The next Check refuses them.
  absl::Status RevokeUser(const std::string& user);

  // Forgets what has expired, and the workers' tokens of jobs that `ended` says are over. Run it
  // now and then.
  absl::Status Tidy(absl::FunctionRef<bool(const std::string& job)> ended);

 private:
  Tokens(store::Store& store, const base::Clock& clock, base::RandomSource& random)
      : store_(store), clock_(clock), random_(random) {}

  absl::StatusOr<std::string> Insert(store::Tx& tx, const Principal& principal);
  // Takes the tokens of which `gone` is true from memory, then from the table.
  absl::Status Remove(absl::FunctionRef<bool(const Principal&)> gone);

  store::Store& store_;
  const base::Clock& clock_;
  base::RandomSource& random_;
  base::Mutex reload_mu_;  // before mu_; held over a read
  mutable base::Mutex mu_;
  // By SHA-256, 64 lower-case hexadecimal digits.
  std::map<std::string, Principal, std::less<>> rows_ ABSL_GUARDED_BY(mu_);
  int64_t changes_ ABSL_GUARDED_BY(mu_) = 0;  // made here
};

}  // namespace gradus::auth
