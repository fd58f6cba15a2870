// SPDX-License-Identifier: Apache-2.0
// gradus job wait.
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/follow.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::vector<std::string> ids;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Rest("JOB", options.ids, "Ids of jobs");
}

absl::Status Run(const Options& options, Session& session) {
  session.TakeInterrupts();
  absl::Status first_failure;
  for (const std::string& id : options.ids) {
    v1::Job job;
    const absl::Status ended = Await(session, id, job);
    if (!IsFinal(job.state())) return ended;
    if (session.out().people()) {
      session.out().Text(Summary(job));
    } else {
      RETURN_IF_ERROR(session.out().Show(job, {}, "id"));
    }
    if (first_failure.ok()) first_failure = ended;
  }
  return first_failure;
}

}  // namespace

const Command kJobWait = {
    "job", "wait", "Wait until jobs have ended; exit status 1 unless all succeeded",
    "  gradus job wait j0123456789ab && gradus model fetch fashion-a --output fashion-a\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
