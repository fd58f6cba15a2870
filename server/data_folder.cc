// SPDX-License-Identifier: Apache-2.0
#include "server/data_folder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"
#include "server/auth/profile.h"

namespace gradus::server {
namespace {

constexpr char kAdmin[] = "admin";
constexpr int64_t kRenewBefore = 30 * auth::kMicrosPerDay;

// Whether the profile's secrets serve for a while yet.
bool StillGood(const v1::Profile& profile, const auth::Authority& authority,
               const auth::Tokens& tokens, int64_t now) {
  if (profile.ca_pem() != authority.ca_pem()) return false;
  const absl::StatusOr<auth::Principal> principal = tokens.Check(profile.token());
  const absl::StatusOr<auth::CertificateFacts> certificate =
      auth::Inspect(profile.client_cert_pem());
  return principal.ok() && principal->role == auth::Role::kAdmin &&
         principal->expires_at_micros > now + kRenewBefore && certificate.ok() &&
         certificate->validity.until_micros > now + kRenewBefore;
}

absl::StatusOr<v1::Profile> NewProfile(const auth::Authority& authority, auth::Tokens& tokens) {
  v1::Profile profile;
  profile.set_ca_pem(authority.ca_pem());
  ASSIGN_OR_RETURN(auth::Identity identity, authority.IssueClient(kAdmin));
  profile.set_client_cert_pem(std::move(identity.cert_pem));
  profile.set_client_key_pem(std::move(identity.key_pem));
  ASSIGN_OR_RETURN(*profile.mutable_token(),
                   tokens.Issue(kAdmin, auth::Role::kAdmin, auth::kLongestTokenLife));
  return profile;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataFolder>> DataFolder::Open(base::Files& files,
                                                             const std::string& dir) {
  RETURN_IF_ERROR(base::MakeDirs(files, dir));
  // A start that was killed may have made the folder without syncing its name. Where we may not
  // read the parent, somebody else made it.
  const absl::Status named = files.SyncDir(base::ParentOf(dir));
  if (!named.ok() && !absl::IsPermissionDenied(named)) return named;
  absl::StatusOr<std::unique_ptr<base::FileLock>> lock = files.Lock(base::JoinPath(dir, "lock"));
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(absl::StrCat(dir, " is in use by another gradusd"));
  }
  if (!lock.ok()) return lock.status();
  std::unique_ptr<DataFolder> folder(new DataFolder(files, dir, *std::move(lock)));
  const absl::Status removed = files.Remove(folder->endpoint_path());
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  return folder;
}

std::string DataFolder::Path(const std::string& name) const { return base::JoinPath(dir_, name); }

absl::Status DataFolder::WriteEndpoint(const std::string& address) {
  return base::WriteFileAtomically(files_, endpoint_path(), address);
}

absl::Status DataFolder::EnsureAdminProfile(const std::string& address,
                                            const auth::Authority& authority, auth::Tokens& tokens,
                                            const base::Clock& clock) {
  const std::string path = Path("admin.profile");
  absl::StatusOr<v1::Profile> profile = auth::ReadProfile(files_, path);
  if (!profile.ok() && !absl::IsNotFound(profile.status()) && !absl::IsDataLoss(profile.status()))
    return profile.status();
  if (!profile.ok() || !StillGood(*profile, authority, tokens, clock.NowMicros())) {
    ASSIGN_OR_RETURN(profile, NewProfile(authority, tokens));
  } else if (profile->server() == address) {
    return absl::OkStatus();
  }
  profile->set_server(address);
  return auth::WriteProfile(files_, path, *profile);
}

}  // namespace gradus::server
