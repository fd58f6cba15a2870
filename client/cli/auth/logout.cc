// SPDX-License-Identifier: Apache-2.0
// gradus auth logout.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "gradus/profile.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

struct Options {};

void Declare(Arguments&, Options&) {}

absl::Status Run(const Options&, Session& session) {
  ASSIGN_OR_RETURN(const std::string path, DefaultProfilePath());
  std::error_code error;
  const bool removed = std::filesystem::remove(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), path);
  if (session.out().json()) session.out().Text("{}\n");
  session.out().Line(removed ? absl::StrCat("The profile ", path, " is gone.")
                             : "There was no profile to forget.");
  return absl::OkStatus();
}

}  // namespace

const Command kAuthLogout = {"auth", "logout", "Forget the profile that login kept",
                             "  gradus auth logout\n", &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
