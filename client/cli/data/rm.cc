// SPDX-License-Identifier: Apache-2.0
// gradus data rm.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::vector<std::string> names;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Rest("NAME", options.names, "Names of datasets");
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const Output& out = session.out();
  for (const std::string& name : options.names) {
    RETURN_IF_ERROR(client.RemoveDataset(name));
    if (out.json()) RETURN_IF_ERROR(out.Json(v1::RemoveDatasetResponse()));
    if (out.quiet()) out.Text(name + "\n");
    out.Line(absl::StrCat("dataset ", name, " is removed"));
  }
  return absl::OkStatus();
}

}  // namespace

const Command kDataRm = {"data", "rm", "Remove datasets that no unfinished job uses",
                         "  gradus data rm digits\n", &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
