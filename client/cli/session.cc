// SPDX-License-Identifier: Apache-2.0
// The lazily opened connection of a command.
#include "client/cli/session.h"

#include "proto/support/status_macros.h"

namespace gradus::cli {

absl::StatusOr<Client> Session::Connect() {
  if (!client_.has_value()) {
    ASSIGN_OR_RETURN(const Client client, environment_.connect(profile_));
    client_ = client.WithStop(stop_.get_token());
  }
  return *client_;
}

void Session::TakeInterrupts() {
  if (environment_.on_interrupt) environment_.on_interrupt(stop_);
}

}  // namespace gradus::cli
