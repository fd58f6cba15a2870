// SPDX-License-Identifier: Apache-2.0
// CLI11 behind a plain interface: its headers cost seconds in every file that includes them.
#include "client/cli/arguments.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/support/nearest.h"
#include "proto/support/scalar.h"
#include "proto/support/status.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

// The first word that nothing was declared for; an option rather than what was taken for its value.
absl::Status Unexpected(const CLI::App& app) {
  const std::vector<std::string> words = app.remaining();
  const auto option = std::find_if(words.begin(), words.end(), [](const std::string& word) {
    return absl::StartsWith(word, "-");
  });
  const std::string see = absl::StrCat("; see ", app.get_name(), " --help");
  if (option == words.end()) {
    return support::UsageError(
        absl::StrCat(support::Shown(words.front()), " is one word too many", see));
  }
  std::vector<std::string> known;
  for (const CLI::Option* declared : app.get_options()) {
    for (const std::string& name : declared->get_lnames()) known.push_back("--" + name);
  }
  const std::string word = option->substr(0, option->find('='));
  const std::optional<std::string> nearest = support::NearestWord(word, known);
  return support::UsageError(absl::StrCat(
      support::Shown(word), " is no option of `", app.get_name(), "`",
      nearest.has_value() ? absl::StrCat("; did you mean \"", *nearest, "\"?") : "", see));
}

}  // namespace

Arguments::Arguments(const std::string& title, const std::string& summary)
    : app_(std::make_unique<CLI::App>(summary, title)) {
  app_->set_help_flag("-h,--help", "Print this text");
  app_->get_formatter()->column_width(32);
}

Arguments::~Arguments() = default;

void Arguments::Required(const char* name, std::string& value, const char* help) {
  app_->add_option(name, value, help)->required()->type_name("");
}

void Arguments::Optional(const char* name, std::string& value, const char* help) {
  app_->add_option(name, value, help)->type_name("");
}

void Arguments::Rest(const char* name, std::vector<std::string>& values, const char* help) {
  app_->add_option(name, values, help)->required()->type_name("");
}

void Arguments::Option(const char* flags, const char* shown, std::string& value, const char* help) {
  app_->add_option(flags, value, help)->type_name(shown)->take_last();
}

void Arguments::Option(const char* flags, const char* shown, int& value, int least, int most,
                       const char* help) {
  app_->add_option(flags, value, help)
      ->type_name(shown)
      ->take_last()
      ->check(CLI::Range(least, most));
}

void Arguments::Option(const char* flags, const char* shown, std::vector<std::string>& values,
                       const char* help) {
  // One value for each time it is given, so that the words after it keep their own meaning.
  app_->add_option(flags, values, help)
      ->type_name(shown)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Arguments::Flag(const char* flags, bool& value, const char* help) {
  app_->add_flag(flags, value, help);
}

void Arguments::Footer(const std::string& text) { app_->footer(text); }

absl::StatusOr<bool> Arguments::Parse(const std::vector<std::string>& words) {
  // CLI11 takes them from the back.
  std::vector<std::string> reversed(words.rbegin(), words.rend());
  try {
    app_->parse(std::move(reversed));
    return true;
  } catch (const CLI::CallForHelp&) {
    return false;
  } catch (const CLI::ExtrasError&) {
    return Unexpected(*app_);
  } catch (const CLI::Error& e) {
    return support::UsageError(
        absl::StrCat(support::Printable(e.what(), true), "; see ", app_->get_name(), " --help"));
  }
}

std::string Arguments::Help() const { return app_->help(); }

}  // namespace gradus::cli
