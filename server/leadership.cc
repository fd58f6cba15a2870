// SPDX-License-Identifier: Apache-2.0
#include "server/leadership.h"

#include <utility>

#include "engine/base/log.h"
#include "engine/base/status.h"

namespace gradus::server {

void Leadership::Start() {
  thread_ = std::thread([this] { Run(); });
}

Leadership::~Leadership() {
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    changed_.SignalAll();
  }
  if (thread_.joinable()) thread_.join();
}

bool Leadership::leads() const {
  base::MutexLock lock(mu_);
  return leads_;
}

std::string Leadership::leader() const {
  base::MutexLock lock(mu_);
  return leader_;
}

void Leadership::Look() {
  base::MutexLock lock(mu_);
  look_ = true;
  changed_.SignalAll();
}

void Leadership::BeginAnew() {
  base::MutexLock lock(mu_);
  anew_ = true;
  changed_.SignalAll();
}

void Leadership::NoMore() {
  base::MutexLock lock(mu_);
  no_more_ = true;
}

void Leadership::Run() {
  while (true) {
    bool anew = false;
    bool no_more = false;
    {
      base::MutexLock lock(mu_);
      if (stop_) break;
      anew = std::exchange(anew_, false);
      no_more = no_more_;
      look_ = false;
    }
    Round(anew, no_more);
    base::MutexLock lock(mu_);
    parts_.clock->WaitFor(mu_, changed_, kRenewMicros, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return stop_ || look_ || anew_;
    });
  }
  if (leads()) Cease();
  const absl::Status released = parts_.lease->Release();
  if (!released.ok())
    base::LogWarning("the lead was not let go: others wait for its end", {{"status", released}});
}

void Leadership::Cease() {
  base::LogInfo("leads no more", {});
  {
    base::MutexLock lock(mu_);
    leads_ = false;
  }
  parts_.follow();
}

absl::Status Leadership::WriteServer() {
  return parts_.store->Write([&](store::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t now, tx.DatabaseNow());
    return tx.Execute(
        "INSERT INTO servers (id, address, seen_at) VALUES (:id, :address, :now)"
        " ON CONFLICT (id) DO UPDATE SET address = excluded.address, seen_at = excluded.seen_at",
        parts_.id, parts_.address, now);
  });
}

void Leadership::Round(bool anew, bool no_more) {
  if (anew && leads()) Cease();
  if (no_more && !leads()) return;
  // The lease lasts from a moment after this on.
  const int64_t asked = parts_.clock->MonotonicMicros();
  const absl::StatusOr<bool> held = parts_.lease->Renew();
  if (held.ok() && *held) held_until_ = asked + store::kLeaseMicros;
  if (held.ok() && !*held) held_until_ = 0;
  const bool ours = parts_.clock->MonotonicMicros() < held_until_;
  if (!ours && leads()) Cease();
  if (!held.ok()) {
    base::LogWarning("the lead could not be asked for", {{"status", held.status()}});
    return;
  }
  WriteServer().IgnoreError();  // only for people
  if (const absl::StatusOr<store::LeaseHolder> holder = parts_.lease->Holder(); holder.ok()) {
    base::MutexLock lock(mu_);
    leader_ = holder->address;
  }
  if (!ours || leads()) return;
  const absl::Status led = parts_.lead();
  if (!led.ok()) {
    base::LogError("cannot lead", {{"status", led}});
    parts_.follow();
    held_until_ = 0;
    parts_.lease->Release().IgnoreError();
    return;
  }
  base::LogInfo("leads", {{"address", parts_.address}});
  base::MutexLock lock(mu_);
  leads_ = true;
}

}  // namespace gradus::server
