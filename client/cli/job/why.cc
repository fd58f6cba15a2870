// SPDX-License-Identifier: Apache-2.0
// gradus job why.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
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
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::ExplainJobResponse why, client.ExplainJob(options.id));
  const Output& out = session.out();
  if (!out.people()) return out.Show(why, {}, "state");
  out.Line(absl::StrCat(v1::Job::State_Name(why.state()), ": ", why.summary()));
  for (const std::string& detail : why.details()) out.Line(absl::StrCat("  - ", detail));
  return absl::OkStatus();
}

}  // namespace

const Command kJobWhy = {"job", "why", "Explain why a job is in its state",
                         "  gradus job why j0123456789ab\n", &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
