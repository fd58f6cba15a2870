// SPDX-License-Identifier: Apache-2.0
// Lists of commands.
#include "client/cli/help.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/table.h"

namespace gradus::cli {
namespace {

constexpr char kOptions[] = R"(
Options of every command:
  --profile FILE   Server and token; default: GRADUS_PROFILE, then `gradus auth login`'s
  --json           Print JSON, one object a line
  -q, --quiet      Print identifiers alone
  -h, --help       What a command takes, with examples
      --version    Print the version

Exit status: 0 success, 1 the request failed or the job did not succeed, 2 wrong usage.
)";

// The commands of one noun, or of all.
std::string CommandList(const std::string* noun) {
  std::vector<std::vector<std::string>> rows;
  for (const Command* command : Commands()) {
    if (noun != nullptr && *noun != command->noun) continue;
    rows.push_back({absl::StrCat("  ", CommandTitle(*command)), command->summary});
  }
  return Align(rows, std::vector<Column>(2), 0);
}

}  // namespace

std::string CommandTitle(const Command& command) {
  return absl::StrCat("gradus ", command.noun, *command.noun == '\0' ? "" : " ", command.verb);
}

std::string ProgramHelp() {
  return absl::StrCat(
      "gradus trains neural networks on a Gradus server: it submits jobs, follows them and fetches "
      "what they learned.\n\n",
      CommandList(nullptr), kOptions);
}

std::string NounHelp(const std::string& noun) {
  return absl::StrCat("Commands of `gradus ", noun, "`:\n\n", CommandList(&noun), kOptions);
}

}  // namespace gradus::cli
