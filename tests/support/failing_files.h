// SPDX-License-Identifier: Apache-2.0
// Files whose N-th operation fails, and that watch what is done after it.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/files.h"
#include "engine/base/mutex.h"

namespace gradus::test_support {

enum class FileOp {
  kOpen,
  kCreate,
  kRead,
  kWrite,
  kSync,
  kTruncate,
  kRename,
  kSyncDir,
  kRemove,
  kMakeDir
};
inline constexpr size_t kFileOps = 10;

// Every operation that changes something.
inline constexpr FileOp kChangingOps[] = {FileOp::kCreate,   FileOp::kWrite,  FileOp::kSync,
                                          FileOp::kTruncate, FileOp::kRename, FileOp::kSyncDir,
                                          FileOp::kRemove,   FileOp::kMakeDir};

// Passes everything on to other files but what it is told to fail. The loop of a test,
// for n from 1:
//   FailingFiles files(disk); files.FailNth(n, kChangingOps, EIO); run; check;
//   if (!files.failed()) break;
//
//   Owns     nothing; `base` must outlive it.
//   Threads  any.
class FailingFiles final : public base::Files {
 public:
  enum class Then { kRecovers, kStaysBroken };

  explicit FailingFiles(base::Files& base) : base_(base) {}

  // From now on, the n-th (from 1) operation among `ops` fails with `error_number`; a write has
  // then written its first half, as a full disk does. kStaysBroken: and all of them after it.
  void FailNth(uint64_t n, std::span<const FileOp> ops, int error_number,
               Then then = Then::kRecovers);
  // Whether it has failed yet.
  bool failed() const;
  // Operations of one kind so far.
  uint64_t count(FileOp op) const;
  // Syncs asked for on a file or directory whose Sync failed before: must stay 0, the kernel drops
  // the pages at the first failure.
  uint64_t retried_syncs() const;

  absl::StatusOr<std::unique_ptr<base::File>> OpenRead(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<base::File>> OpenWrite(const std::string& path,
                                                        const base::OpenOptions& options) override;
  absl::StatusOr<base::TemporaryFile> CreateTemporary(const std::string& dir) override;
  absl::StatusOr<base::MappedFile> Map(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status SyncDir(const std::string& dir) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& dir) override;
  absl::StatusOr<base::FileInfo> Stat(const std::string& path) override;
  absl::Status MakeDir(const std::string& dir, uint32_t mode) override;
  absl::StatusOr<std::unique_ptr<base::FileLock>> Lock(const std::string& path) override;

  // Counts an operation; the error when it is the one to fail. For the files that this hands out.
  absl::Status Pass(FileOp op, const std::string& path);
  void NoteRetriedSync();

 private:
  base::Files& base_;
  mutable base::Mutex mu_;
  std::array<uint64_t, kFileOps> counts_ ABSL_GUARDED_BY(mu_) = {};
  std::array<bool, kFileOps> chosen_ ABSL_GUARDED_BY(mu_) = {};
  uint64_t left_ ABSL_GUARDED_BY(mu_) =
      0;  // chosen operations up to the failing one; 0: none will fail
  int error_number_ ABSL_GUARDED_BY(mu_) = 0;
  Then then_ ABSL_GUARDED_BY(mu_) = Then::kRecovers;
  bool failed_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t retried_syncs_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> unsynced_dirs_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::test_support
