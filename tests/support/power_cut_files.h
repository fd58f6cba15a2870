// SPDX-License-Identifier: Apache-2.0
// Files in memory whose power can be cut.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/files.h"
#include "engine/base/mutex.h"
#include "tests/support/power_cut_disk.h"

namespace gradus::test_support {

// A tree that begins with an empty root; "/" and "." both name it. A write, truncation or name that
// was not synced may be lost at a power cut, writes torn at 512 bytes; what was synced never is.
// The loop of a test:
//   PowerCutFiles files; files.TurnOffAfter(n); run until it fails; files.PowerCut(seed); recover,
//   check that nothing acknowledged is missing.
//
//   Owns     the tree; files and locks handed out may outlive a cut (they only answer UNAVAILABLE
//            then), not this object.
//   Threads  any.
class PowerCutFiles final : public base::Files {
 public:
  // Cuts the power and turns it on again: what was not synced is dropped, torn or kept, by `seed`;
  // files that were open are dead, locks free.
  void PowerCut(uint64_t seed);
  // After `n` more changing operations the power is off: everything answers UNAVAILABLE until
  // PowerCut.
  void TurnOffAfter(uint64_t n);
  bool off() const;
  // The sync of a file after `n` more fails once, as Linux has it: what it was asked for is seen
  // until the next cut, and no later sync makes it durable.
  void LoseSyncAfter(uint64_t n);
  bool sync_lost() const;
  // Changing operations (create, write, sync, truncate, rename, sync of a directory, remove, make a
  // directory) so far.
  uint64_t changes() const;

  absl::StatusOr<std::unique_ptr<base::File>> OpenRead(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<base::File>> OpenWrite(const std::string& path,
                                                        const base::OpenOptions& options) override;
  absl::StatusOr<base::TemporaryFile> CreateTemporary(const std::string& dir) override;
  // A copy of the content as it is now.
  absl::StatusOr<base::MappedFile> Map(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDir(const std::string& dir) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override;
  absl::StatusOr<base::FileInfo> Stat(const std::string& path) override;
  absl::Status MakeDir(const std::string& dir, uint32_t mode) override;
  absl::StatusOr<std::unique_ptr<base::FileLock>> Lock(const std::string& path) override;

 private:
  friend class PowerCutFile;
  friend class PowerCutLock;

  // Where a path leads: the directory that holds its last name, and what is there now, if anything.
  struct Place {
    std::shared_ptr<DiskNode> dir;
    std::string name;  // empty for the root
    std::shared_ptr<DiskNode> node;
  };
  absl::StatusOr<Place> Find(const std::string& path) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::shared_ptr<DiskNode>> FindDir(const std::string& path) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::shared_ptr<DiskNode>> FindFile(const std::string& path) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // UNAVAILABLE when the power is off.
  absl::Status Read() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whether the sync that is asked for now is the one to fail.
  bool LosesSync() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Counts a change; UNAVAILABLE when the power goes off before it.
  absl::Status Change() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable base::Mutex mu_;
  PowerCutDisk disk_ ABSL_GUARDED_BY(mu_);
  uint64_t generation_ ABSL_GUARDED_BY(mu_) = 0;  // power cuts so far
  uint64_t changes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t off_after_ ABSL_GUARDED_BY(mu_) = UINT64_MAX;  // in changes_
  uint64_t syncs_left_ ABSL_GUARDED_BY(mu_) = 0;          // up to the one that fails; 0: none will
  bool sync_lost_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t next_temporary_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<const DiskNode*> locked_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::test_support
