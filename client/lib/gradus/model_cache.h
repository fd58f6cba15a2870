// SPDX-License-Identifier: Apache-2.0
// Fetched models in one place, for all who may read it.
//
//   ROOT/blobs/SHA256                                    weights files by their digest, each once
//   ROOT/servers/ID/NAME/refs/WORD                       the version that a word meant last:
//   newest, an alias ROOT/servers/ID/NAME/snapshots/VERSION/...           model.json, README.md,
//   weights.safetensors -> a blob ROOT/servers/ID/NAME/snapshots/VERSION-SELECTION/... the same
//   with some layers' weights
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gradus/client.h"
#include "gradus/model_fetch.h"
#include "gradus/profile.h"

namespace gradus {

// Where the cache is: `path`, or where that is empty GRADUS_CACHE, $XDG_CACHE_HOME/gradus or
// ~/.cache/gradus. FAILED_PRECONDITION when there is no such variable.
absl::StatusOr<std::string> CachePath(const std::string& path = "");

// A model in the cache.
struct Snapshot {
  std::string name;
  int64_t version = 0;
  // Holds model.json, README.md and weights.safetensors. Not to be written to.
  std::string folder;
};

// A cache of the models of one server.
//   Threads  any; other processes and users may use the same folder at the same time: files appear whole or not at all.
//            What is made has the permissions of the root (a root that its group may write to stays
//            so all through).
//   Errors   what the file system says, with the path.
class ModelCache {
 public:
  // `root` is made if need be. Servers are told apart by their authority.
  ModelCache(std::string root, const Profile& server);

  // The model that `ref` means now; what is there already is not moved again. Else as FetchModel.
  absl::StatusOr<Snapshot> Fetch(const Client& client, const std::string& ref,
                                 const FetchOptions& options = {}) const;
  // Without the server: what `ref` meant when it was fetched last, name@VERSION by itself.
  //   Errors   NOT_FOUND when that is not in the cache.
  absl::StatusOr<Snapshot> Find(const std::string& ref,
                                const std::vector<std::string>& layers = {}) const;

 private:
  Snapshot SnapshotOf(const std::string& name, int64_t version,
                      const std::vector<std::string>& layers) const;
  std::string RefPath(const std::string& name, absl::string_view word) const;

  const std::string root_;
  const std::string server_;  // the folder of the server's models
};

}  // namespace gradus
