// SPDX-License-Identifier: Apache-2.0
// Profiles on disk.
#include "gradus/profile.h"

#include <cstdlib>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "internal/file.h"
#include "proto/support/parse.h"
#include "proto/support/print.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus {
namespace {

constexpr size_t kMostBytes = 256 * 1024;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::Status NoProfile(const std::string& path, bool is_default) {
  const std::string next = is_default ? "run `gradus auth login FILE` with the profile that your "
                                        "administrator gave you (on the server's "
                                        "own machine: DATA_DIR/admin.profile)"
                                      : "check --profile or GRADUS_PROFILE";
  return support::WithReason(
      absl::NotFoundError(absl::StrCat("there is no profile at ", path, "; ", next)), "NO_PROFILE");
}

// The address itself is not shown: what stands there may be anything.
absl::Status CheckServer(absl::string_view server) {
  const size_t colon = server.rfind(':');
  int port = 0;
  const bool good = colon != absl::string_view::npos && colon > 0 &&
                    absl::SimpleAtoi(server.substr(colon + 1), &port) && port >= 1 && port <= 65535;
  if (good) return absl::OkStatus();
  return support::FieldError("server", "is not HOST:PORT, such as train.example.org:7077");
}

}  // namespace

absl::StatusOr<std::string> DefaultProfilePath() {
  const std::string config = Environment("XDG_CONFIG_HOME");
  if (!config.empty()) return absl::StrCat(config, "/gradus/profile");
  const std::string home = Environment("HOME");
  if (home.empty())
    return absl::FailedPreconditionError(
        "HOME is not set, so there is no place for a profile; use --profile FILE");
  return absl::StrCat(home, "/.config/gradus/profile");
}

absl::StatusOr<std::string> ProfilePath(const std::string& path) {
  if (!path.empty()) return path;
  const std::string named = Environment("GRADUS_PROFILE");
  if (!named.empty()) return named;
  return DefaultProfilePath();
}

absl::StatusOr<Profile> ParseProfile(absl::string_view text) {
  const absl::StatusOr<Profile> profile = support::Parse<Profile>(text);
  // The parser's message quotes what it found, and that may be a secret.
  if (!profile.ok())
    return absl::InvalidArgumentError(
        "not a profile: one JSON object with server, ca_pem and token");
  for (const auto& [name, value] :
       {std::pair<const char*, const std::string&>("server", profile->server()),
        {"ca_pem", profile->ca_pem()},
        {"token", profile->token()}}) {
    if (value.empty()) return support::FieldError(name, "is missing from the profile");
  }
  RETURN_IF_ERROR(CheckServer(profile->server()));
  if (profile->client_cert_pem().empty() != profile->client_key_pem().empty()) {
    return support::FieldError("client_cert_pem",
                               "stands in a profile together with client_key_pem, or not at all");
  }
  return profile;
}

absl::StatusOr<Profile> LoadProfile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string file, ProfilePath(path));
  const absl::StatusOr<std::string> text = internal::ReadWholeFile(file, kMostBytes);
  if (absl::IsNotFound(text.status()))
    return NoProfile(file, path.empty() && Environment("GRADUS_PROFILE").empty());
  if (!text.ok()) return text.status();
  const absl::StatusOr<Profile> profile = ParseProfile(*text);
  if (!profile.ok()) return support::Annotate(profile.status(), file);
  return profile;
}

absl::Status SaveProfile(const Profile& profile, const std::string& path) {
  support::JsonOptions options;
  options.indent = true;
  ASSIGN_OR_RETURN(const std::string text, support::PrintJson(profile, options));
  RETURN_IF_ERROR(internal::MakeFolders(std::filesystem::path(path).parent_path().string(), 0700));
  return internal::WriteFileAtomically(path, text, 0600);
}

}  // namespace gradus
