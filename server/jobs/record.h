// SPDX-License-Identifier: Apache-2.0
// What a rank's events change in the job that everybody sees.
#pragma once

#include "absl/status/status.h"
#include "gradus/v1/events.pb.h"
#include "gradus/v1/job.pb.h"

namespace gradus::jobs {

// INVALID_ARGUMENT for a kind that ranks may not send (states, checkpoints and publications are the
// server's to tell). Long log lines are cut to 4 KiB.
absl::Status CheckRankEvent(v1::Event& event);

// Epoch, step, stage, metrics, best metrics, speed.
void ApplyEvent(const v1::Event& event, v1::Job& job);

}  // namespace gradus::jobs
