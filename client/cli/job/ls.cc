// SPDX-License-Identifier: Apache-2.0
// gradus job ls.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/scalar.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::vector<std::string> states;
  int limit = 50;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Option("--state", "STATE", options.states,
                   "Only jobs in this state, such as running; may be repeated");
  arguments.Option("--limit", "N", options.limit, 1, 1'000'000, "At most so many, the newest [50]");
}

absl::StatusOr<v1::Job::State> StateOf(const std::string& word) {
  v1::Job::State state = v1::Job::STATE_UNSPECIFIED;
  if (v1::Job::State_Parse(absl::AsciiStrToUpper(word), &state) &&
      state != v1::Job::STATE_UNSPECIFIED)
    return state;
  return support::UsageError(
      absl::StrCat("--state: ", support::Shown(word), " is not one of ",
                   absl::StrJoin(support::EnumWords(*v1::Job::State_descriptor()), ", ")));
}

absl::Status Run(const Options& options, Session& session) {
  std::vector<v1::Job::State> states;
  for (const std::string& word : options.states) {
    ASSIGN_OR_RETURN(const v1::Job::State state, StateOf(word));
    states.push_back(state);
  }
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const std::vector<v1::Job> jobs, client.ListJobs(options.limit, states));
  v1::ListJobsResponse all;
  all.mutable_jobs()->Assign(jobs.begin(), jobs.end());
  return session.out().List(all, JobRow(), "id",
                            states.empty() ? "There are no jobs. `gradus train FILE` submits one."
                                           : "There are no jobs in such a state.");
}

}  // namespace

const Command kJobLs = {"job", "ls", "List jobs, the newest first",
                        "  gradus job ls\n"
                        "  gradus job ls --state running --state queued\n",
                        &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
