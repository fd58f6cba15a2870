// SPDX-License-Identifier: Apache-2.0
// gradus model tag.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string ref;
  std::vector<std::string> tags;
  bool remove = false;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL@VERSION", options.ref,
                     "One version: name@3, name@alias or name@sha256:...");
  arguments.Rest("TAG", options.tags, "Words to find it by");
  arguments.Flag("--remove", options.remove, "Take these tags away");
}

absl::Status Run(const Options& options, Session& session) {
  v1::UpdateModelRequest changes;
  changes.set_ref(options.ref);
  for (const std::string& tag : options.tags)
    *(options.remove ? changes.add_remove_tags() : changes.add_add_tags()) = tag;
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::UpdateModelResponse changed, client.UpdateModel(changes));
  const Output& out = session.out();
  if (out.json()) return out.Json(changed);
  if (out.quiet()) out.Text(changed.ref() + "\n");
  out.Line(absl::StrCat(changed.ref(), changed.tags().empty() ? " has no tags" : " has the tags ",
                        absl::StrJoin(changed.tags(), ", ")));
  return absl::OkStatus();
}

}  // namespace

const Command kModelTag = {"model", "tag", "Give a version of a model tags, or take them away",
                           "  gradus model tag fashion-a@3 baseline small\n"
                           "  gradus model tag fashion-a@3 small --remove\n",
                           &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
