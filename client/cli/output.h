// SPDX-License-Identifier: Apache-2.0
// The three outputs of every command: for people, JSON, identifiers alone.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/cli/table.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace gradus::cli {

// Where words go, and what is at the other end.
struct Terminal {
  std::ostream& out;
  std::ostream& err;
  // Somebody watches `out`: lines may be drawn again, and must fit `width()` columns.
  bool is_terminal = false;
  // Asked again each time, since windows change their size.
  std::function<int()> width = [] { return 80; };
};

class Output {
 public:
  enum class Mode { kPeople, kJson, kQuiet };

  Output(const Terminal& terminal, Mode mode) : terminal_(terminal), mode_(mode) {}

  bool json() const { return mode_ == Mode::kJson; }
  bool quiet() const { return mode_ == Mode::kQuiet; }
  bool people() const { return mode_ == Mode::kPeople; }
  bool is_terminal() const { return terminal_.is_terminal; }
  int width() const { return terminal_.width(); }

  // A line for people; nothing in the other modes. Control characters are replaced.
  void Line(absl::string_view text) const;
  // Text whose lines stand as they are, in every mode: what a file would hold.
  void Text(absl::string_view text) const;
  // A line of advice or progress on the error output, for people alone.
  void Note(absl::string_view text) const;
  // Raw bytes for a terminal: the progress line, which is safe already.
  void Draw(absl::string_view text) const;

  // One JSON object on one line, whatever the mode is.
  absl::Status Json(const google::protobuf::Message& message) const;

  // One resource in the mode's form: its columns below one another, its JSON, or the field `id`.
  absl::Status Show(const google::protobuf::Message& message, const std::vector<Column>& columns,
                    absl::string_view id) const;
  // A list: `response` holds the resources in its only list of messages. People who get none see
  // `none`.
  absl::Status List(const google::protobuf::Message& response, const std::vector<Column>& columns,
                    absl::string_view id, absl::string_view none) const;

 private:
  const Terminal terminal_;
  const Mode mode_;
};

}  // namespace gradus::cli
