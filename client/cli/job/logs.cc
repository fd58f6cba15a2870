// SPDX-License-Identifier: Apache-2.0
// gradus job logs.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "gradus/watch.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string id;
  bool follow = false;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("JOB", options.id, "The job's id");
  arguments.Flag("-f,--follow", options.follow, "Go on until the job ends");
}

absl::Status Run(const Options& options, Session& session) {
  if (options.follow) session.TakeInterrupts();
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const Output& out = session.out();
  bool is_empty = true;
  const absl::Status status =
      StreamLogs(client, options.id, options.follow, WatchOptions(), [&](const v1::Event& event) {
        is_empty = false;
        if (out.json()) return out.Json(event);
        const v1::LogLine& line = event.log_line();
        out.Text(absl::StrCat(LocalTime(event.time()), " ", v1::LogLine::Level_Name(line.level()),
                              " ", support::Printable(line.text(), true), "\n"));
        return absl::OkStatus();
      });
  if (status.ok() && is_empty) out.Note("The job has said nothing.");
  // Leaving a log is no failure.
  return absl::IsCancelled(status) && session.stop().stop_requested() ? absl::OkStatus() : status;
}

}  // namespace

const Command kJobLogs = {"job", "logs", "Print a job's log lines",
                          "  gradus job logs j0123456789ab\n"
                          "  gradus job logs -f j0123456789ab\n",
                          &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
