// SPDX-License-Identifier: Apache-2.0
// One rank of one attempt of one job: between the server's stream and the trainer.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "engine/base/random.h"
#include "engine/trainer/control.h"
#include "gradus/v1/config.pb.h"
#include "server/worker/gloo_connector.h"
#include "server/worker/meetings.h"
#include "server/worker/server_link.h"

namespace gradus::worker {

struct RankParts {
  ChannelFactory channels;
  // To the job's other ranks, where it may have several.
  ConnectorFactory connector = GlooConnector;
  base::Files* files = &base::RealFiles();
  base::Clock* clock = &base::RealClock();
  base::RandomSource* random = &base::SystemRandom();
};

// Attaches, trains, reports, and returns when the server has stored the last word. A member of a
// job with several ranks, one that is not its leader, reports nothing: it returns when it is done.
//   `control`  may ask for an end from outside (SIGTERM); must outlive the call.
//   Threads    trains on the calling one.
//   Errors     FAILED_PRECONDITION and the like when the server wants no more of this attempt:
//   nothing was reported then, nor can it be. A job that fails is
//              no error here: the server knows. That of a member's training.
absl::Status RunRank(const v1::WorkerConfig& config, const RankParts& parts,
                     trainer::Control& control);

}  // namespace gradus::worker
