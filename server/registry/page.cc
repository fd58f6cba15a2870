// SPDX-License-Identifier: Apache-2.0
// Limits of pages.
#include "server/registry/page.h"

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::registry {

absl::StatusOr<int> CheckPageSize(int page_size) {
  if (page_size == 0) return 100;
  if (page_size < 0 || page_size > 1000)
    return base::InvalidArgument("page_size", absl::StrCat(page_size), "1 to 1000");
  return page_size;
}

absl::Status BadPageToken(const std::string& token) {
  return base::InvalidArgument("page_token", absl::StrCat("\"", base::Shown(token), "\""),
                               "a token that this list gave");
}

bool PageBudget::Take(size_t bytes) {
  if (left_ == 0 || (!first_ && bytes > kMaxBytes - bytes_)) return false;
  first_ = false;
  --left_;
  bytes_ = bytes > kMaxBytes - bytes_ ? kMaxBytes : bytes_ + bytes;
  return true;
}

void SetMicros(int64_t micros, google::protobuf::Timestamp* time) {
  time->set_seconds(micros / 1'000'000);
  time->set_nanos(static_cast<int32_t>(micros % 1'000'000 * 1000));
}

}  // namespace gradus::registry
