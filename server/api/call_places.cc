// SPDX-License-Identifier: Apache-2.0
#include "server/api/call_places.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "proto/support/status.h"

namespace gradus::api {
namespace {

constexpr absl::Duration kTryAgainAfter = absl::Seconds(1);

}  // namespace

CallPlaces::Hold::Hold(Hold&& other) noexcept
    : places_(std::exchange(other.places_, nullptr)), who_(std::move(other.who_)) {}

CallPlaces::Hold& CallPlaces::Hold::operator=(Hold&& other) noexcept {
  std::swap(places_, other.places_);
  std::swap(who_, other.who_);
  return *this;
}

CallPlaces::Hold::~Hold() {
  if (places_ == nullptr) return;
  base::MutexLock lock(places_->mu_);
  --places_->taken_;
  const auto mine = places_->by_caller_.find(who_);
  if (--mine->second == 0) places_->by_caller_.erase(mine);
}

absl::StatusOr<CallPlaces::Hold> CallPlaces::Take(const std::string& who) {
  base::MutexLock lock(mu_);
  const auto mine = by_caller_.find(who);
  const int held = mine == by_caller_.end() ? 0 : mine->second;
  if (held >= each_ || taken_ >= all_) {
    return support::WithRetryDelay(
        absl::ResourceExhaustedError(
            held >= each_ ? absl::StrCat("you have ", held,
                                         " transfers under way, and more are not allowed at once")
                          : "too many transfers are under way"),
        kTryAgainAfter);
  }
  ++taken_;
  ++by_caller_[who];
  return Hold(this, who);
}

}  // namespace gradus::api
