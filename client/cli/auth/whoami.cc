// SPDX-License-Identifier: Apache-2.0
// gradus auth whoami.
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {};

void Declare(Arguments&, Options&) {}

absl::Status Run(const Options&, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::WhoAmIResponse me, client.WhoAmI());
  const std::vector<Column> facts = {{"user", "user"},
                                     {"role", "role"},
                                     {"token ends", "token_expires_at", Format::kTime},
                                     {"server version", "server_version"}};
  return session.out().Show(me, facts, "user");
}

}  // namespace

const Command kAuthWhoami = {"auth", "whoami", "Say who the server takes you for",
                             "  gradus auth whoami\n", &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
