// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace google::protobuf {
class Timestamp;
}  // namespace google::protobuf

namespace gradus::cli {

// 1,234,567.
std::string Grouped(int64_t number);
// "512 B", "12.3 MiB".
std::string ByteSize(int64_t bytes);
// A loss or an accuracy: four decimals; small and huge ones with an exponent.
std::string Metric(double value);
// "0:07", "12:34", "1:02:03".
std::string Clock(absl::Duration duration);
// "0.8 s", "12 s", "3 min 5 s", "2 h 3 min".
std::string Lasting(absl::Duration duration);
// 2024-01-31 12:00:00 in the local time zone.
std::string LocalTime(const google::protobuf::Timestamp& time);
// "batch_normalization" -> "BatchNormalization".
std::string CamelCase(absl::string_view word);
// Seconds between two times, not below 0.
absl::Duration Between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to);

}  // namespace gradus::cli
