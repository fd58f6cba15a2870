// SPDX-License-Identifier: Apache-2.0
// Meetings of ranks that Gloo connects.
#pragma once

#include "server/worker/meetings.h"
#include "server/worker/server_link.h"

namespace gradus::worker {

// Connects over the network that the configuration names; the ranks find each other by notes that
// they leave at the server.
Connector GlooConnector(ServerLink& link);

}  // namespace gradus::worker
