// SPDX-License-Identifier: Apache-2.0
// gradus auth login: keeps a profile where every later command finds it.
#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "gradus/profile.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string file;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("FILE", options.file, "The profile that your administrator gave you");
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Profile profile, LoadProfile(options.file));
  ASSIGN_OR_RETURN(const std::string path, DefaultProfilePath());
  Session other = session.WithProfile(options.file);
  ASSIGN_OR_RETURN(const Client client, other.Connect());
  const absl::StatusOr<v1::WhoAmIResponse> me = client.WhoAmI();
  // A server that is away says nothing against the profile; one that refuses it does.
  if (!me.ok() && !absl::IsUnavailable(me.status())) return me.status();
  RETURN_IF_ERROR(SaveProfile(profile, path));
  const Output& out = session.out();
  if (!me.ok()) {
    out.Note(absl::StrCat("The profile is kept in ", path, ", but ", profile.server(),
                          " cannot be reached now."));
    return absl::OkStatus();
  }
  if (!out.people()) return out.Show(*me, {}, "user");
  out.Line(absl::StrCat("You are ", me->user(), " (", me->role(), ") on ", profile.server(),
                        ". The profile is kept in ", path, "."));
  return absl::OkStatus();
}

}  // namespace

const Command kAuthLogin = {"auth", "login", "Keep a profile for all later commands",
                            "  gradus auth login alice.profile\n", &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
