// SPDX-License-Identifier: Apache-2.0
// gradus job watch.
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/follow.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string id;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("JOB", options.id, "The job's id");
}

absl::Status Run(const Options& options, Session& session) {
  session.TakeInterrupts();
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Job job, client.GetJob(options.id));
  if (session.out().quiet()) session.out().Text(job.id() + "\n");
  return Follow(session, job);
}

}  // namespace

const Command kJobWatch = {"job", "watch", "Follow a job from its beginning to its end",
                           "  gradus job watch j0123456789ab\n"
                           "  gradus job watch j0123456789ab --json    # an event a line\n",
                           &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
