// SPDX-License-Identifier: Apache-2.0
// Lists that come in pages: how long a page may get, and times as messages have them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"

namespace gradus::registry {

// 1 to 1000; 0 means 100. INVALID_ARGUMENT with the field page_size.
absl::StatusOr<int> CheckPageSize(int page_size);

// INVALID_ARGUMENT with the field page_token.
absl::Status BadPageToken(const std::string& token);

// Counts what goes into one page, so that its message stays below the transport's limit.
class PageBudget {
 public:
  explicit PageBudget(int page_size) : left_(page_size) {}

  // Whether an entry of so many bytes still belongs to this page; the first one always does.
  bool Take(size_t bytes);

 private:
  static constexpr size_t kMaxBytes = 512 << 10;
  int left_;
  size_t bytes_ = 0;
  bool first_ = true;
};

void SetMicros(int64_t micros, google::protobuf::Timestamp* time);

}  // namespace gradus::registry
