// SPDX-License-Identifier: Apache-2.0
// Finds the command, parses its words, runs it, and says what went wrong and what to do about it.
#include "client/cli/cli.h"

#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/help.h"
#include "gradus/version.h"
#include "proto/support/nearest.h"
#include "proto/support/scalar.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

struct Globals {
  std::string profile;
  bool json = false;
  bool quiet = false;
};

// The command's words and the others.
struct Split {
  std::vector<std::string> command;  // noun and verb, or fewer
  std::vector<std::string> rest;
  bool help = false;
  bool version = false;
};

bool IsNoun(absl::string_view word) {
  for (const Command* command : Commands()) {
    if (word == command->noun && !word.empty()) return true;
  }
  return false;
}

// The noun and the verb are the first words that are no options; --profile is the one option that
// may stand before them with a value.
Split SplitWords(const std::vector<std::string>& words) {
  Split split;
  size_t wanted = 1;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (split.command.size() == wanted || absl::StartsWith(word, "-")) {
      split.rest.push_back(word);
      split.help |= word == "-h" || word == "--help";
      split.version |= word == "--version";
      if (word == "--profile" && i + 1 < words.size()) split.rest.push_back(words[++i]);
      continue;
    }
    split.command.push_back(word);
    if (split.command.size() == 1 && IsNoun(word)) wanted = 2;
  }
  return split;
}

absl::Status Unknown(absl::string_view what, const std::string& word,
                     const std::set<std::string>& known, absl::string_view help) {
  const std::optional<std::string> nearest =
      support::NearestWord(word, {known.begin(), known.end()});
  return support::UsageError(
      absl::StrCat(support::Shown(word), " is no ", what,
                   nearest.has_value() ? absl::StrCat("; did you mean \"", *nearest, "\"?") : "",
                   "; see ", help));
}

absl::StatusOr<const Command*> FindCommand(const std::vector<std::string>& words) {
  const bool short_way = words.size() == 1 && !IsNoun(words[0]);
  const std::string noun = short_way ? "" : words[0];
  std::set<std::string> first;
  std::set<std::string> verbs;
  for (const Command* command : Commands()) {
    first.insert(*command->noun == '\0' ? command->verb : command->noun);
    if (noun == command->noun) verbs.insert(command->verb);
    if (noun == command->noun && words.back() == command->verb && (short_way || words.size() == 2))
      return command;
  }
  if (short_way) return Unknown("command", words[0], first, "gradus --help");
  const std::string help = absl::StrCat("gradus ", noun, " --help");
  if (words.size() == 2)
    return Unknown(absl::StrCat("command of `gradus ", noun, "`"), words[1], verbs, help);
  return support::UsageError(absl::StrCat("`gradus ", noun, "` needs a verb; see ", help));
}

void DeclareGlobals(Arguments& arguments, Globals& globals) {
  arguments.Option("--profile", "FILE", globals.profile,
                   "Server and token; default: GRADUS_PROFILE, then `gradus auth login`'s");
  arguments.Flag("--json", globals.json, "Print JSON, one object a line");
  arguments.Flag("-q,--quiet", globals.quiet, "Print identifiers alone");
}

absl::StatusOr<Output::Mode> ModeOf(const Globals& globals) {
  if (globals.json && globals.quiet)
    return support::UsageError("--json and --quiet exclude one another");
  return globals.json    ? Output::Mode::kJson
         : globals.quiet ? Output::Mode::kQuiet
                         : Output::Mode::kPeople;
}

absl::Status RunCommand(const Split& split, const Environment& environment) {
  ASSIGN_OR_RETURN(const Command* command, FindCommand(split.command));
  Arguments arguments(CommandTitle(*command), command->summary);
  const Bound run = command->bind(arguments);
  Globals globals;
  DeclareGlobals(arguments, globals);
  arguments.Footer(absl::StrCat("Examples:\n", command->examples));
  ASSIGN_OR_RETURN(const bool parsed, arguments.Parse(split.rest));
  if (!parsed) {
    environment.terminal.out << arguments.Help();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Output::Mode mode, ModeOf(globals));
  Session session(environment, mode, globals.profile);
  return run(session);
}

// What a person can do about it, as far as the code tells.
std::string Advice(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return "Is gradusd running, and does the profile name its address?";
    case absl::StatusCode::kUnauthenticated:
      return "The profile's token is not accepted (any more): ask your administrator for a new "
             "profile, then run `gradus auth login FILE`.";
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return "This is a fault of the server: its log says more.";
    default:
      return "";
  }
}

int Report(const absl::Status& status, const Environment& environment) {
  if (status.ok()) return 0;
  const std::string message = status.message().empty() ? absl::StatusCodeToString(status.code())
                                                       : std::string(status.message());
  environment.terminal.err << "gradus: " << support::Printable(message) << "\n";
  const std::string advice = Advice(status);
  if (!advice.empty()) environment.terminal.err << advice << "\n";
  return support::ExitCode(status);
}

}  // namespace

int Run(const std::vector<std::string>& words, const Environment& environment) {
  const Split split = SplitWords(words);
  std::ostream& out = environment.terminal.out;
  if (split.command.empty() && split.version) {
    out << "gradus " << kVersion << "\n";
    return 0;
  }
  if (split.command.empty()) {
    (split.help ? out : environment.terminal.err) << ProgramHelp();
    return split.help ? 0 : 2;
  }
  if (split.command.size() == 1 && IsNoun(split.command[0]) && split.help) {
    out << NounHelp(split.command[0]);
    return 0;
  }
  return Report(RunCommand(split, environment), environment);
}

}  // namespace gradus::cli
