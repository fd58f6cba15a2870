// SPDX-License-Identifier: Apache-2.0
// What a command is: a verb's words, its options and what it does. Each lives in a file of its own,
// NOUN/VERB.cc, and in the one table of commands.cc.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "client/cli/arguments.h"
#include "client/cli/session.h"

namespace gradus::cli {

// Declares the options, and gives what runs with them once they are parsed.
using Bound = std::function<absl::Status(Session&)>;

struct Command {
  const char* noun;  // "" for the short ways in, such as `gradus train`
  const char* verb;
  const char* summary;   // one line, for lists of commands
  const char* examples;  // whole lines, for --help
  Bound (*bind)(Arguments&);
};

// Binds a plain options struct to the two functions of a command.
template <typename Options, void (*declare)(Arguments&, Options&),
          absl::Status (*run)(const Options&, Session&)>
Bound Bind(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  declare(arguments, *options);
  return [options](Session& session) { return run(*options, session); };
}

// All commands, in the order of help texts.
std::span<const Command* const> Commands();

}  // namespace gradus::cli
