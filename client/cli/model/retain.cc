// SPDX-License-Identifier: Apache-2.0
// gradus model retain.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

constexpr int kNotGiven = -1;
constexpr int kMostKept = 1'000'000;

struct Options {
  std::string name;
  int keep = kNotGiven;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("NAME", options.name, "The model's name");
  arguments.Option("--keep", "N", options.keep, 0, kMostKept,
                   "Keep the newest N versions and those that an alias means; 0 keeps all");
}

absl::Status Run(const Options& options, Session& session) {
  if (options.keep == kNotGiven) return support::UsageError("--keep N is required");
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  RETURN_IF_ERROR(client.SetRetention(options.name, options.keep));
  const Output& out = session.out();
  if (out.json()) return out.Json(v1::SetRetentionResponse());
  if (out.quiet()) out.Text(options.name + "\n");
  if (options.keep == 0) {
    out.Line(absl::StrCat("all versions of ", options.name, " are kept"));
  } else {
    out.Line(absl::StrCat("the newest ", options.keep, " of ", options.name,
                          " are kept, and what an alias means; the server looks once an hour"));
  }
  return absl::OkStatus();
}

}  // namespace

const Command kModelRetain = {"model", "retain", "Say how many versions of a model are kept",
                              "  gradus model retain fashion-a --keep 5\n"
                              "  gradus model retain fashion-a --keep 0      # all\n",
                              &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
