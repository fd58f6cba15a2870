// SPDX-License-Identifier: Apache-2.0
// gradus job show.
#include "absl/strings/str_cat.h"
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"
#include "proto/support/yaml_printer.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string id;
  bool yaml = false;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("JOB", options.id, "The job's id");
  arguments.Flag("--yaml", options.yaml, "Print the effective job file: every default filled in");
}

// A line a checkpoint, the best first; epochs as the other commands count them.
void ShowBestCheckpoints(const v1::Job& job, const Output& out) {
  if (!out.people() || job.best_checkpoints().empty()) return;
  const std::string& monitor = job.spec().fit().checkpoint().monitor();
  std::vector<std::vector<std::string>> rows = {{"STEP", "EPOCH", monitor}};
  for (const v1::BestCheckpoint& best : job.best_checkpoints())
    rows.push_back(
        {absl::StrCat(best.step()), absl::StrCat(best.epoch() + 1), Metric(best.value())});
  out.Line("");
  out.Line(absl::StrCat("The best checkpoints; gradus job publish ", job.id(),
                        " --step STEP makes a model of one:"));
  out.Text(Align(rows, std::vector<Column>(3, {.right = true}), 0));
}

absl::Status Run(const Options& options, Session& session) {
  const Output& out = session.out();
  if (options.yaml && !out.people())
    return support::UsageError("--yaml excludes --json and --quiet");
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Job job, client.GetJob(options.id));
  if (!options.yaml) {
    RETURN_IF_ERROR(out.Show(job, JobFacts(), "id"));
    ShowBestCheckpoints(job, out);
    return absl::OkStatus();
  }
  out.Text(support::PrintYaml(job.spec()));
  return absl::OkStatus();
}

}  // namespace

const Command kJobShow = {
    "job", "show", "Show one job",
    "  gradus job show j0123456789ab\n"
    "  gradus job show j0123456789ab --json\n"
    "  gradus job show j0123456789ab --yaml > again.yaml   # reproduces the run\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
