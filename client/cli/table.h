// SPDX-License-Identifier: Apache-2.0
// The one printer: messages and a list of columns become a table, or one message a sheet of facts.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace gradus::cli {

// How a value is written.
enum class Format {
  kText,     // words, numbers and enum words as they are; lists joined by ", "
  kCount,    // 1,234,567
  kBytes,    // 12.3 MiB
  kMetric,   // four significant decimals; empty when the map has no such key
  kShape,    // (28, 28)
  kTime,     // 2024-01-31 12:00:00, local; empty when not set
  kNonZero,  // as kText; empty for 0
};

struct Column {
  absl::string_view title;
  // Field path within the message; "metrics[loss]" for a map's entry; "a/b" joins two fields with a
  // slash.
  absl::string_view path;
  Format format = Format::kText;
  bool right = false;
  // What gives way on a narrow terminal: text that may be cut; then whole columns, those with the
  // highest number first. 0 stays.
  bool cut = false;
  int drop = 0;
};

// The value of a column as one line, safe for a terminal.
std::string Cell(const google::protobuf::Message& message, const Column& column);

// A title line and a line a message. With a width, columns are cut and dropped until a line fits; 0
// takes nothing away.
std::string Table(const std::vector<const google::protobuf::Message*>& messages,
                  const std::vector<Column>& columns, int width);

// "TITLE  value" lines, without those whose value is empty.
std::string FactSheet(const google::protobuf::Message& message, const std::vector<Column>& columns);

// Rows of cells as Table prints them; of a column only right, cut and drop matter.
std::string Align(const std::vector<std::vector<std::string>>& rows,
                  const std::vector<Column>& columns, int width);

}  // namespace gradus::cli
