// SPDX-License-Identifier: Apache-2.0
// Which ranks of a server live, by the folder that they run in.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

namespace gradus::test {

// "JOB-ATTEMPT" -> process, of the server whose data lie in `dir`; it need not run itself.
std::map<std::string, pid_t> LivingRanks(const std::string& dir);

}  // namespace gradus::test
