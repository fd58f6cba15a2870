// SPDX-License-Identifier: Apache-2.0
// gradus job publish.
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string id;
  std::string step;
  std::string model;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("JOB", options.id, "The job's id");
  arguments.Option("--step", "STEP", options.step,
                   "Which of its best checkpoints, as `job show` lists them [the best]");
  arguments.Option("--model", "NAME", options.model, "The model's name [the job's publish.model]");
}

absl::Status Run(const Options& options, Session& session) {
  int64_t step = 0;
  if (!options.step.empty() && (!absl::SimpleAtoi(options.step, &step) || step < 1))
    return support::UsageError(absl::StrCat("--step: ", options.step, " is no step's number"));
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  v1::PublishCheckpointResponse published;
  ASSIGN_OR_RETURN(*published.mutable_model(),
                   client.PublishCheckpoint(options.id, step, options.model));
  const Output& out = session.out();
  if (!out.people()) return out.Show(published, {}, "model");
  out.Line(absl::StrCat("published as ", published.model()));
  return absl::OkStatus();
}

}  // namespace

const Command kJobPublish = {
    "job", "publish", "Make a model of one of a job's best checkpoints",
    "  gradus job publish j0123456789ab\n"
    "  gradus job publish j0123456789ab --step 1719 --model fashion-early\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
