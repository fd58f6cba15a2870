// SPDX-License-Identifier: Apache-2.0
// What must hold for a stub's job in the end, whatever was killed on its way (GUARANTEES.md, G7,
// G10).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/v1/events.pb.h"

namespace gradus::test {

// One sentence a broken rule. `events`: all of the job, whose rank reports every step. Each
// attempt's steps follow each other without gap or repetition; the first one begins at step 1,
// later ones behind the newest checkpoint; the last one ends at `steps`.
std::vector<std::string> CheckSteps(const std::vector<v1::Event>& events, int64_t steps);

// The same for a rank that reports only some of its steps: each later attempt's first one lies
// behind the newest checkpoint.
std::vector<std::string> CheckGoesOn(const std::vector<v1::Event>& events);

}  // namespace gradus::test
