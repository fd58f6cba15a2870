// SPDX-License-Identifier: Apache-2.0
// The words after a command: what it declares, and their parsing. The parser behind it is no one
// else's business.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace CLI {
class App;
}  // namespace CLI

namespace gradus::cli {

// Each call names where the value goes; that place must outlive Parse.
class Arguments {
 public:
  // `title` is the command as people type it: "gradus job show".
  Arguments(const std::string& title, const std::string& summary);
  ~Arguments();
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  // Words in their order. `Rest` takes all that are left, one or more.
  void Required(const char* name, std::string& value, const char* help);
  void Optional(const char* name, std::string& value, const char* help);
  void Rest(const char* name, std::vector<std::string>& values, const char* help);
  // "--name" or "-n,--name" with a value, shown as `shown`.
  void Option(const char* flags, const char* shown, std::string& value, const char* help);
  void Option(const char* flags, const char* shown, int& value, int least, int most,
              const char* help);
  // May be given several times.
  void Option(const char* flags, const char* shown, std::vector<std::string>& values,
              const char* help);
  void Flag(const char* flags, bool& value, const char* help);
  // Text below the options in Help.
  void Footer(const std::string& text);

  // UsageError when the words do not fit what was declared. True: all is set; false: help was asked
  // for.
  absl::StatusOr<bool> Parse(const std::vector<std::string>& words);
  std::string Help() const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace gradus::cli
