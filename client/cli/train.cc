// SPDX-License-Identifier: Apache-2.0
// gradus train: the short way from a job file to a trained model.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/follow.h"
#include "client/cli/job_file.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string file;
  std::vector<std::string> settings;
  bool detach = false;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("FILE", options.file, "Job file, YAML or JSON; - for standard input");
  arguments.Option("--set", "PATH=VALUE", options.settings,
                   "Change a field of the job, such as fit.seed=7; may be repeated");
  arguments.Flag("--detach", options.detach, "Submit, and do not follow");
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const v1::JobSpec spec, ReadJobFile(options.file, options.settings));
  if (!options.detach) session.TakeInterrupts();
  ASSIGN_OR_RETURN(const v1::Job job, Submit(session, spec));
  const Output& out = session.out();
  if (!out.people()) RETURN_IF_ERROR(out.Show(job, {}, "id"));
  out.Line(absl::StrCat("job ", job.id(), " (", job.name(), ") is submitted"));
  if (options.detach) {
    out.Line(absl::StrCat("Follow it with: gradus job watch ", job.id()));
    return absl::OkStatus();
  }
  return FollowToResult(session, job);
}

}  // namespace

const Command kTrain = {
    "", "train", "Submit a job and follow it to its end",
    "  gradus train fashion-a.yaml\n"
    "  gradus train fashion-a.yaml --set fit.seed=7 --set optimizer.sgd.learning_rate=0.1\n"
    "  gradus train fashion-a.yaml --detach -q      # prints the job's id\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
