// SPDX-License-Identifier: Apache-2.0
// The command line client as a function: words in, output and exit status out.
#pragma once

#include <string>
#include <vector>

#include "client/cli/session.h"

namespace gradus::cli {

// Runs the command that `words` (without the program's name) say. Returns the exit status: 0
// success, 1 the request failed or the job did not succeed, 2 wrong usage. No exception leaves it.
int Run(const std::vector<std::string>& words, const Environment& environment);

}  // namespace gradus::cli
