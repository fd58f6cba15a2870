// SPDX-License-Identifier: Apache-2.0
// Values by reflection, columns by width.
#include "client/cli/table.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/text.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kGap = 2;
// Columns are not cut below this while there are others to drop, and then not below that.
constexpr size_t kReadable = 12;
constexpr size_t kNarrowest = 6;

struct Value {
  const Message* message = nullptr;
  const FieldDescriptor* field = nullptr;
};

// The field at a path of names joined by dots; no field when a message on the way is not set.
Value Find(const Message& message, absl::string_view path) {
  const Message* at = &message;
  const FieldDescriptor* field = nullptr;
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    if (field != nullptr) at = &at->GetReflection()->GetMessage(*at, field);
    field = at->GetDescriptor()->FindFieldByName(std::string(name));
    if (field == nullptr) return {};
  }
  return {at, field};
}

std::string Number(int64_t number, Format format) {
  if (format == Format::kNonZero && number == 0) return "";
  if (format == Format::kCount) return Grouped(number);
  if (format == Format::kBytes) return ByteSize(number);
  return absl::StrCat(number);
}

std::string Entry(const Message& message, const FieldDescriptor& field, int index, Format format) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return Number(repeated ? reflection.GetRepeatedInt32(message, &field, index)
                             : reflection.GetInt32(message, &field),
                    format);
    case FieldDescriptor::CPPTYPE_INT64:
      return Number(repeated ? reflection.GetRepeatedInt64(message, &field, index)
                             : reflection.GetInt64(message, &field),
                    format);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Metric(repeated ? reflection.GetRepeatedDouble(message, &field, index)
                             : reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (repeated ? reflection.GetRepeatedBool(message, &field, index)
                       : reflection.GetBool(message, &field))
                 ? "yes"
                 : "no";
    case FieldDescriptor::CPPTYPE_ENUM:
      return (repeated ? reflection.GetRepeatedEnum(message, &field, index)
                       : reflection.GetEnum(message, &field))
          ->name();
    case FieldDescriptor::CPPTYPE_STRING:
      return repeated ? reflection.GetRepeatedString(message, &field, index)
                      : reflection.GetString(message, &field);
    default:
      return "";
  }
}

std::string Time(const Value& value) {
  if (!value.message->GetReflection()->HasField(*value.message, value.field)) return "";
  google::protobuf::Timestamp time;
  time.CopyFrom(value.message->GetReflection()->GetMessage(*value.message, value.field));
  return LocalTime(time);
}

// The entry `key` of a map from words to numbers.
std::string MapEntry(const Value& map, absl::string_view key) {
  const Reflection& reflection = *map.message->GetReflection();
  for (int i = 0; i < reflection.FieldSize(*map.message, map.field); ++i) {
    const Message& pair = reflection.GetRepeatedMessage(*map.message, map.field, i);
    if (Entry(pair, *map.field->message_type()->map_key(), -1, Format::kText) != key) continue;
    return Entry(pair, *map.field->message_type()->map_value(), -1, Format::kMetric);
  }
  return "";
}

// All of a map from words to numbers: "accuracy 0.8123, loss 0.4567".
std::string WholeMap(const Value& map) {
  const Reflection& reflection = *map.message->GetReflection();
  std::vector<std::string> entries;
  for (int i = 0; i < reflection.FieldSize(*map.message, map.field); ++i) {
    const Message& pair = reflection.GetRepeatedMessage(*map.message, map.field, i);
    entries.push_back(
        absl::StrCat(Entry(pair, *map.field->message_type()->map_key(), -1, Format::kText), " ",
                     Entry(pair, *map.field->message_type()->map_value(), -1, Format::kMetric)));
  }
  std::sort(entries.begin(), entries.end());
  return absl::StrJoin(entries, ", ");
}

std::string List(const Value& value, Format format) {
  std::vector<std::string> entries;
  for (int i = 0; i < value.message->GetReflection()->FieldSize(*value.message, value.field); ++i) {
    entries.push_back(Entry(*value.message, *value.field, i, format));
  }
  const std::string joined = absl::StrJoin(entries, ", ");
  return format == Format::kShape ? absl::StrCat("(", joined, ")") : joined;
}

std::string RawCell(const Message& message, absl::string_view path, Format format) {
  const size_t bracket = path.find('[');
  const Value value = Find(message, path.substr(0, bracket));
  if (value.field == nullptr) return "";
  if (bracket != absl::string_view::npos)
    return MapEntry(value, path.substr(bracket + 1, path.size() - bracket - 2));
  if (format == Format::kTime) return Time(value);
  if (value.field->is_map()) return WholeMap(value);
  if (value.field->is_repeated()) return List(value, format);
  return Entry(*value.message, *value.field, -1, format);
}

std::string CutTo(const std::string& text, size_t width) {
  if (support::DisplayWidth(text) <= width) return text;
  size_t end = 0;
  for (size_t columns = 0; end < text.size(); ++end) {
    const bool starts = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (starts && ++columns == width) break;
  }
  return absl::StrCat(text.substr(0, end), "\xe2\x80\xa6");  // an ellipsis
}

// Width that the columns take, those of width 0 (dropped or empty) and their gaps apart.
size_t LineWidth(const std::vector<size_t>& widths) {
  size_t line = 0;
  for (const size_t width : widths) line += width == 0 ? 0 : width + (line == 0 ? 0 : kGap);
  return line;
}

// Takes width off the widest column that may be cut, until the line fits; false when it cannot.
bool Cut(const std::vector<Column>& columns, size_t least, size_t width,
         std::vector<size_t>& widths) {
  while (LineWidth(widths) > width) {
    size_t* widest = nullptr;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (!columns[i].cut || widths[i] <= least) continue;
      if (widest == nullptr || widths[i] > *widest) widest = &widths[i];
    }
    if (widest == nullptr) return false;
    --*widest;
  }
  return true;
}

// The widths that fit a terminal; 0 for a column that is not shown.
std::vector<size_t> Fit(const std::vector<Column>& columns, size_t width,
                        std::vector<size_t> widths) {
  while (true) {
    std::vector<size_t> narrow = widths;
    if (Cut(columns, kReadable, width, narrow)) return narrow;
    int first = 0;
    for (size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] > 0) first = std::max(first, columns[i].drop);
    }
    if (first == 0) {
      Cut(columns, kNarrowest, width, narrow);  // what is too wide all the same goes on below
      return narrow;
    }
    for (size_t i = 0; i < widths.size(); ++i) {
      if (columns[i].drop == first) widths[i] = 0;
    }
  }
}

std::string Line(const std::vector<std::string>& row, const std::vector<Column>& columns,
                 const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    if (widths[i] == 0) continue;
    const std::string cell = CutTo(row[i], widths[i]);
    const std::string padding(widths[i] - support::DisplayWidth(cell), ' ');
    absl::StrAppend(&line, line.empty() ? "" : std::string(kGap, ' '),
                    columns[i].right ? padding + cell : cell + padding);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string Cell(const Message& message, const Column& column) {
  std::vector<std::string> parts;
  for (const absl::string_view path : absl::StrSplit(column.path, '/')) {
    parts.push_back(RawCell(message, path, column.format));
  }
  return support::Printable(absl::StrJoin(parts, "/"), true);
}

std::string Align(const std::vector<std::vector<std::string>>& rows,
                  const std::vector<Column>& columns, int width) {
  std::vector<size_t> widths(columns.size(), 0);
  for (const std::vector<std::string>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], support::DisplayWidth(row[i]));
  }
  if (width > 0) widths = Fit(columns, static_cast<size_t>(width), std::move(widths));
  std::string text;
  for (const std::vector<std::string>& row : rows) text += Line(row, columns, widths);
  return text;
}

std::string Table(const std::vector<const Message*>& messages, const std::vector<Column>& columns,
                  int width) {
  std::vector<std::vector<std::string>> rows(1);
  for (const Column& column : columns) rows[0].emplace_back(column.title);
  for (const Message* message : messages) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Column& column : columns) row.push_back(Cell(*message, column));
  }
  return Align(rows, columns, width);
}

std::string FactSheet(const Message& message, const std::vector<Column>& columns) {
  std::vector<std::vector<std::string>> rows;
  for (const Column& column : columns) {
    std::string cell = Cell(message, column);
    if (!cell.empty()) rows.push_back({std::string(column.title), std::move(cell)});
  }
  return Align(rows, std::vector<Column>(2), 0);
}

}  // namespace gradus::cli
