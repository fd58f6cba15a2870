// SPDX-License-Identifier: Apache-2.0
// gradus job pause, resume and cancel: one deed on each of some jobs.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::vector<std::string> ids;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Rest("JOB", options.ids, "Ids of jobs");
}

template <absl::StatusOr<v1::Job> (Client::*deed)(const std::string&) const>
absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const Output& out = session.out();
  for (const std::string& id : options.ids) {
    ASSIGN_OR_RETURN(const v1::Job job, (client.*deed)(id));
    out.Line(absl::StrCat("job ", job.id(), " is ", v1::Job::State_Name(job.state()),
                          job.reason().empty() ? "" : absl::StrCat(": ", job.reason())));
    if (!out.people()) RETURN_IF_ERROR(out.Show(job, {}, "id"));
  }
  return absl::OkStatus();
}

}  // namespace

const Command kJobPause = {"job", "pause", "Save a checkpoint and free the cores",
                           "  gradus job pause j0123456789ab\n",
                           &Bind<Options, Declare, Run<&Client::PauseJob>>};
const Command kJobResume = {"job", "resume", "Go on with a paused job, to the same weights",
                            "  gradus job resume j0123456789ab\n",
                            &Bind<Options, Declare, Run<&Client::ResumeJob>>};
const Command kJobCancel = {"job", "cancel", "End jobs for good",
                            "  gradus job cancel j0123456789ab j9876543210ba\n",
                            &Bind<Options, Declare, Run<&Client::CancelJob>>};

}  // namespace gradus::cli
