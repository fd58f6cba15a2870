// SPDX-License-Identifier: Apache-2.0
// The numbers by which a test is made longer than in continuous integration.
#pragma once

#include <cstdint>

namespace gradus::test {

// The environment variable's number, or `otherwise`; printed, so that a run can be repeated. Ends
// the process for what is no number: a misspelt test must not pass.
uint64_t FormNumber(const char* name, uint64_t otherwise);

}  // namespace gradus::test
