// SPDX-License-Identifier: Apache-2.0
// gradus model rm.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::vector<std::string> refs;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Rest("MODEL@VERSION", options.refs,
                 "One version each: name@3, name@alias or name@sha256:...");
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const Output& out = session.out();
  for (const std::string& ref : options.refs) {
    RETURN_IF_ERROR(client.RemoveModel(ref));
    if (out.json()) RETURN_IF_ERROR(out.Json(v1::RemoveModelResponse()));
    if (out.quiet()) out.Text(ref + "\n");
    out.Line(absl::StrCat("model ", ref, " is removed"));
  }
  return absl::OkStatus();
}

}  // namespace

const Command kModelRm = {"model", "rm", "Remove versions of models",
                          "  gradus model rm fashion-a@1\n", &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
