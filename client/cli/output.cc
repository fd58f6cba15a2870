// SPDX-License-Identifier: Apache-2.0
// Modes of output over the one printer.
#include "client/cli/output.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "proto/support/print.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The messages in a response's list.
std::vector<const Message*> Items(const Message& response) {
  std::vector<const Message*> items;
  for (int i = 0; i < response.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = response.GetDescriptor()->field(i);
    if (!field->is_repeated() || field->is_map() ||
        field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE)
      continue;
    for (int n = 0; n < response.GetReflection()->FieldSize(response, field); ++n) {
      items.push_back(&response.GetReflection()->GetRepeatedMessage(response, field, n));
    }
  }
  return items;
}

}  // namespace

void Output::Line(absl::string_view text) const {
  if (people()) terminal_.out << support::Printable(text) << "\n" << std::flush;
}

void Output::Text(absl::string_view text) const {
  terminal_.out << support::Printable(text) << std::flush;
}

void Output::Note(absl::string_view text) const {
  if (people()) terminal_.err << support::Printable(text) << "\n" << std::flush;
}

void Output::Draw(absl::string_view text) const { terminal_.out << text << std::flush; }

absl::Status Output::Json(const Message& message) const {
  const absl::StatusOr<std::string> json = support::PrintJson(message, {.zero_values = true});
  if (!json.ok()) return json.status();
  terminal_.out << support::JsonForTerminal(*json) << "\n" << std::flush;
  return absl::OkStatus();
}

absl::Status Output::Show(const Message& message, const std::vector<Column>& columns,
                          absl::string_view id) const {
  if (json()) return Json(message);
  Text(quiet() ? Cell(message, {"", id}) + "\n" : FactSheet(message, columns));
  return absl::OkStatus();
}

absl::Status Output::List(const Message& response, const std::vector<Column>& columns,
                          absl::string_view id, absl::string_view none) const {
  if (json()) return Json(response);
  const std::vector<const Message*> items = Items(response);
  if (quiet()) {
    for (const Message* item : items) Text(Cell(*item, {"", id}) + "\n");
    return absl::OkStatus();
  }
  if (items.empty()) {
    Note(none);
    return absl::OkStatus();
  }
  Text(Table(items, columns, is_terminal() ? width() : 0));
  return absl::OkStatus();
}

}  // namespace gradus::cli
