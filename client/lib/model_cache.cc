// SPDX-License-Identifier: Apache-2.0
#include "gradus/model_cache.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "internal/file.h"
#include "internal/sha256.h"
#include "proto/support/scalar.h"
#include "proto/support/status_macros.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr char kNewest[] = "newest";
constexpr size_t kIdDigits = 16;

// The two sides of name@WORD; the word of a bare name is "newest".
struct Reference {
  std::string name;
  std::string word;
};

// Both become names of files.
absl::StatusOr<Reference> Split(const std::string& ref) {
  const size_t at = ref.find('@');
  Reference parts{ref.substr(0, at), at == std::string::npos ? kNewest : ref.substr(at + 1)};
  for (const std::string& part : {parts.name, parts.word}) {
    if (part.empty() || part[0] == '.' || part.find('/') != std::string::npos ||
        part.find('\0') != std::string::npos)
      return absl::InvalidArgumentError(
          absl::StrCat(support::Shown(ref), " is not a model reference"));
  }
  return parts;
}

// Folders below the root, with the root's permissions.
absl::Status MakeShared(const std::string& root, const std::string& folder) {
  RETURN_IF_ERROR(internal::MakeFolders(root, 0777));
  std::error_code error;
  const fs::perms mode = fs::status(root, error).permissions();
  fs::path path = root;
  for (const fs::path& part : fs::path(folder).lexically_relative(root)) {
    path /= part;
    const bool made = fs::create_directory(path, error);
    if (error) return absl::UnknownError(absl::StrCat(path.string(), ": ", error.message()));
    if (made) fs::permissions(path, mode, error);
  }
  return absl::OkStatus();
}

bool IsWhole(const Snapshot& snapshot) {
  std::error_code error;
  return fs::is_regular_file(snapshot.folder + "/weights.safetensors", error) &&
         fs::is_regular_file(snapshot.folder + "/model.json", error);
}

}  // namespace

absl::StatusOr<std::string> CachePath(const std::string& path) {
  if (!path.empty()) return path;
  const std::pair<const char*, const char*> places[] = {
      {"GRADUS_CACHE", ""}, {"XDG_CACHE_HOME", "/gradus"}, {"HOME", "/.cache/gradus"}};
  for (const auto& [variable, below] : places) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return absl::StrCat(value, below);
  }
  return absl::FailedPreconditionError("there is no folder for the cache: set GRADUS_CACHE");
}

ModelCache::ModelCache(std::string root, const Profile& server)
    : root_(std::move(root)),
      server_(absl::StrCat(root_, "/servers/",
                           internal::Sha256Of(server.ca_pem()).substr(0, kIdDigits))) {}

Snapshot ModelCache::SnapshotOf(const std::string& name, int64_t version,
                                const std::vector<std::string>& layers) const {
  std::string folder = absl::StrCat(server_, "/", name, "/snapshots/", version);
  if (!layers.empty()) {
    absl::StrAppend(&folder, "-",
                    internal::Sha256Of(absl::StrJoin(layers, ",")).substr(0, kIdDigits));
  }
  return {name, version, folder};
}

std::string ModelCache::RefPath(const std::string& name, absl::string_view word) const {
  return absl::StrCat(server_, "/", name, "/refs/", word);
}

absl::StatusOr<Snapshot> ModelCache::Fetch(const Client& client, const std::string& ref,
                                           const FetchOptions& options) const {
  ASSIGN_OR_RETURN(const v1::Model model, client.GetModel(ref));
  ASSIGN_OR_RETURN(const Reference parts, Split(ref));
  Snapshot snapshot = SnapshotOf(model.name(), model.version(), options.layers);
  if (!IsWhole(snapshot)) {
    RETURN_IF_ERROR(MakeShared(root_, snapshot.folder));
    RETURN_IF_ERROR(MakeShared(root_, root_ + "/blobs"));
    FetchOptions into = options;
    into.blob_folder = root_ + "/blobs";
    RETURN_IF_ERROR(
        FetchModel(client, absl::StrCat(model.name(), "@", model.version()), snapshot.folder, into)
            .status());
  }
  int64_t number = 0;
  if (!absl::SimpleAtoi(parts.word, &number)) {
    const std::string path = RefPath(model.name(), parts.word);
    RETURN_IF_ERROR(MakeShared(root_, fs::path(path).parent_path()));
    RETURN_IF_ERROR(internal::WriteFileAtomically(path, absl::StrCat(model.version(), "\n"), 0664));
  }
  return snapshot;
}

absl::StatusOr<Snapshot> ModelCache::Find(const std::string& ref,
                                          const std::vector<std::string>& layers) const {
  ASSIGN_OR_RETURN(const Reference parts, Split(ref));
  int64_t version = 0;
  if (!absl::SimpleAtoi(parts.word, &version)) {
    const absl::StatusOr<std::string> text =
        internal::ReadWholeFile(RefPath(parts.name, parts.word), 64);
    if (!text.ok() || !absl::SimpleAtoi(*text, &version)) version = 0;
  }
  Snapshot snapshot = SnapshotOf(parts.name, version, layers);
  if (version > 0 && IsWhole(snapshot)) return snapshot;
  return absl::NotFoundError(
      absl::StrCat(support::Shown(ref), layers.empty() ? "" : " with these layers",
                   " is not in the cache ", root_, "; fetch it once without --offline"));
}

}  // namespace gradus
