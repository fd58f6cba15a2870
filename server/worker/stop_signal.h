// SPDX-License-Identifier: Apache-2.0
// SIGTERM asks a rank to save and end.
#pragma once

#include "engine/trainer/control.h"

namespace gradus::worker {

// Blocks SIGTERM and SIGINT in this thread and all that it starts later, and has a thread of its
// own wait for them, to ask `control` for a stop. REQUIRES: called before any other thread is
// started; `control` lives as long as the process.
void StopOnSignals(trainer::Control& control);

}  // namespace gradus::worker
