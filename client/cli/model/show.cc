// SPDX-License-Identifier: Apache-2.0
// gradus model show.
#include "absl/strings/str_cat.h"
#include "client/cli/columns.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string ref;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.ref,
                     "name (the newest version), name@3, name@alias or name@sha256:...");
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Model model, client.GetModel(options.ref));
  if (!session.out().quiet()) return session.out().Show(model, ModelFacts(), "name");
  session.out().Text(absl::StrCat(model.name(), "@", model.version(), "\n"));
  return absl::OkStatus();
}

}  // namespace

const Command kModelShow = {"model", "show", "Show one version of a model",
                            "  gradus model show fashion-a\n"
                            "  gradus model show fashion-a@3 --json\n",
                            &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
