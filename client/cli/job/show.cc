// SPDX-License-Identifier: Apache-2.0
// gradus job show.
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
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

absl::Status Run(const Options& options, Session& session) {
  const Output& out = session.out();
  if (options.yaml && !out.people())
    return support::UsageError("--yaml excludes --json and --quiet");
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Job job, client.GetJob(options.id));
  if (!options.yaml) return out.Show(job, JobFacts(), "id");
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
