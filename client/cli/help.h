// SPDX-License-Identifier: Apache-2.0
// The help texts above a single command, written from the table of commands.
#pragma once

#include <string>

#include "client/cli/command.h"

namespace gradus::cli {

// "gradus job show".
std::string CommandTitle(const Command& command);
std::string ProgramHelp();
std::string NounHelp(const std::string& noun);

}  // namespace gradus::cli
