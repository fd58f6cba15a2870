// SPDX-License-Identifier: Apache-2.0
// gradus model alias.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string ref;
  std::string alias;
  bool remove = false;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required(
      "MODEL@VERSION", options.ref,
      "One version: name@3, name@alias or name@sha256:...; with --remove name@alias");
  arguments.Optional("ALIAS", options.alias, "The word that is to mean this version from now on");
  arguments.Flag("--remove", options.remove, "Take the alias away; its version stays");
}

absl::Status Remove(const Options& options, const Client& client, const Output& out) {
  RETURN_IF_ERROR(client.RemoveAlias(options.ref));
  if (out.json()) return out.Json(v1::RemoveAliasResponse());
  if (out.quiet()) out.Text(options.ref + "\n");
  out.Line(absl::StrCat(options.ref, " means nothing any more"));
  return absl::OkStatus();
}

absl::Status Run(const Options& options, Session& session) {
  if (options.remove && !options.alias.empty())
    return support::UsageError("--remove takes away what MODEL@ALIAS names, and no second word");
  if (!options.remove && options.alias.empty())
    return support::UsageError("ALIAS is required, or --remove to take MODEL@ALIAS away");
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const Output& out = session.out();
  if (options.remove) return Remove(options, client, out);
  v1::SetAliasResponse response;
  ASSIGN_OR_RETURN(*response.mutable_ref(), client.SetAlias(options.ref, options.alias));
  if (out.json()) return out.Json(response);
  if (out.quiet()) out.Text(response.ref() + "\n");
  out.Line(absl::StrCat(response.ref().substr(0, response.ref().find('@')), "@", options.alias,
                        " means ", response.ref()));
  return absl::OkStatus();
}

}  // namespace

const Command kModelAlias = {"model", "alias", "Make a word mean one version of a model",
                             "  gradus model alias fashion-a@3 production\n"
                             "  gradus model alias fashion-a@production --remove\n",
                             &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
