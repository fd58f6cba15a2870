// SPDX-License-Identifier: Apache-2.0
// What one of several servers on a store may do at a time, by the database's clock.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "server/store/store.h"

namespace gradus::store {

// A holder that does not renew it for this long has lost it.
inline constexpr int64_t kLeaseMicros = 6'000'000;

struct LeaseHolder {
  std::string id;       // empty: nobody
  std::string address;  // HOST:PORT
  int64_t number = 0;
};

// One server's claim to a lease.
//   Owns     nothing; the store must outlive it.
//   Threads  any.
class Lease {
 public:
  // `id`: who asks; the same after a restart. `address`: where it is reached.
  Lease(Store& store, std::string name, std::string id, std::string address);

  // Takes the lease where it is free or has been `id`'s, renews it where this object holds it.
  // Whether it is held now, for kLeaseMicros. Each taking has a higher number than those before.
  absl::StatusOr<bool> Renew();
  // Within a transaction: ABORTED unless this object holds the lease as it took it, so that
  // whatever else is written there is not written by one who has lost it unawares.
  absl::Status CheckHeld(ReadTx& tx) const;
  // Lets it go: others need not wait for its end.
  absl::Status Release();

  // Who holds it as of now; nobody where it has run out.
  absl::StatusOr<LeaseHolder> Holder() const;

 private:
  int64_t number() const;
  void SetNumber(int64_t number);

  Store& store_;
  const std::string name_;
  const std::string id_;
  const std::string address_;
  mutable base::Mutex mu_;
  int64_t number_ ABSL_GUARDED_BY(mu_) = 0;  // of our holding; 0 without
};

}  // namespace gradus::store
