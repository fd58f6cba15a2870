// SPDX-License-Identifier: Apache-2.0
// SQLite's VFS interface over base::Files.
#include "tests/support/sqlite_vfs.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::test_support {
namespace {

// What stands behind one sqlite3_file.
struct OpenFile {
  SqliteVfs& vfs;
  std::string path;
  std::unique_ptr<base::File> file;
  std::shared_ptr<SqliteLocks> locks;
  SqliteLocks::Holder holder;
  bool sync_dir;  // the file is new, and its name matters to recovery
  bool delete_on_close;
};

struct VfsFile {
  sqlite3_file base;
  OpenFile* open;
};

OpenFile& Of(sqlite3_file* file) { return *reinterpret_cast<VfsFile*>(file)->open; }
SqliteVfs& Of(sqlite3_vfs* vfs) { return *static_cast<SqliteVfs*>(vfs->pAppData); }

int Code(const absl::Status& status, int io_error) {
  if (status.ok()) return SQLITE_OK;
  return absl::IsResourceExhausted(status) ? SQLITE_FULL : io_error;
}

int Close(sqlite3_file* file) {
  const std::unique_ptr<OpenFile> open(
      std::exchange(reinterpret_cast<VfsFile*>(file)->open, nullptr));
  open->locks->UnmapShm(open->holder);
  open->locks->Unlock(open->holder, SQLITE_LOCK_NONE);
  open->file.reset();
  if (open->delete_on_close)
    open->vfs.files().Remove(open->path).IgnoreError();  // SQLite does not ask
  return SQLITE_OK;
}

int Read(sqlite3_file* file, void* dst, int amount, sqlite3_int64 offset) {
  const std::span<std::byte> bytes(static_cast<std::byte*>(dst), static_cast<size_t>(amount));
  const absl::StatusOr<size_t> count = Of(file).file->ReadAt(static_cast<uint64_t>(offset), bytes);
  if (!count.ok()) return SQLITE_IOERR_READ;
  if (*count == bytes.size()) return SQLITE_OK;
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(*count), bytes.end(), std::byte{0});
  return SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* file, const void* src, int amount, sqlite3_int64 offset) {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(src),
                                         static_cast<size_t>(amount));
  return Code(Of(file).file->WriteAt(static_cast<uint64_t>(offset), bytes), SQLITE_IOERR_WRITE);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  return Code(Of(file).file->Truncate(static_cast<uint64_t>(size)), SQLITE_IOERR_TRUNCATE);
}

int Sync(sqlite3_file* file, int /*flags*/) {
  OpenFile& open = Of(file);
  if (const absl::Status status = open.file->Sync(); !status.ok())
    return Code(status, SQLITE_IOERR_FSYNC);
  if (!open.sync_dir) return SQLITE_OK;
  const absl::Status status = open.vfs.files().SyncDir(base::ParentOf(open.path));
  open.sync_dir = !status.ok();
  return Code(status, SQLITE_IOERR_DIR_FSYNC);
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  const absl::StatusOr<uint64_t> found = Of(file).file->Size();
  if (!found.ok()) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*found);
  return SQLITE_OK;
}

int Lock(sqlite3_file* file, int level) { return Of(file).locks->Lock(Of(file).holder, level); }

int Unlock(sqlite3_file* file, int level) {
  Of(file).locks->Unlock(Of(file).holder, level);
  return SQLITE_OK;
}

int CheckReservedLock(sqlite3_file* file, int* reserved) {
  *reserved = Of(file).locks->Reserved() ? 1 : 0;
  return SQLITE_OK;
}

int FileControl(sqlite3_file* /*file*/, int /*op*/, void* /*argument*/) { return SQLITE_NOTFOUND; }

int SectorSize(sqlite3_file* /*file*/) { return 512; }

int DeviceCharacteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  *memory = Of(file).locks->MapShm(Of(file).holder, region, static_cast<size_t>(size), extend != 0);
  return SQLITE_OK;
}

int ShmLock(sqlite3_file* file, int first, int count, int flags) {
  return Of(file).locks->LockShm(Of(file).holder, first, count, flags);
}

void ShmBarrier(sqlite3_file* file) { Of(file).locks->Barrier(); }

int ShmUnmap(sqlite3_file* file, int /*delete_it*/) {
  Of(file).locks->UnmapShm(Of(file).holder);
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods = {2,
                                         Close,
                                         Read,
                                         Write,
                                         Truncate,
                                         Sync,
                                         FileSize,
                                         Lock,
                                         Unlock,
                                         CheckReservedLock,
                                         FileControl,
                                         SectorSize,
                                         DeviceCharacteristics,
                                         ShmMap,
                                         ShmLock,
                                         ShmBarrier,
                                         ShmUnmap,
                                         nullptr,
                                         nullptr};

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  SqliteVfs& self = Of(vfs);
  // Without a name it is scratch space, which no power cut has to keep.
  if (name == nullptr)
    return self.original().xOpen(&self.original(), nullptr, file, flags, out_flags);
  file->pMethods = nullptr;
  const bool exists = self.files().Exists(name).value_or(false);
  const base::OpenOptions options{.create = (flags & SQLITE_OPEN_CREATE) != 0,
                                  .exclusive = (flags & SQLITE_OPEN_EXCLUSIVE) != 0,
                                  .truncate = false,
                                  .mode = 0600};
  absl::StatusOr<std::unique_ptr<base::File>> opened = (flags & SQLITE_OPEN_READONLY) != 0
                                                           ? self.files().OpenRead(name)
                                                           : self.files().OpenWrite(name, options);
  if (!opened.ok()) return SQLITE_CANTOPEN;
  const bool matters =
      (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
  auto* const result = reinterpret_cast<VfsFile*>(file);
  result->open = new OpenFile{self,
                              name,
                              *std::move(opened),
                              self.LocksOf(name),
                              {},
                              !exists && matters,
                              (flags & SQLITE_OPEN_DELETEONCLOSE) != 0};
  result->base.pMethods = &kMethods;
  if (out_flags != nullptr) *out_flags = flags;
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* name, int sync_dir) {
  base::Files& files = Of(vfs).files();
  const absl::Status status = files.Remove(name);
  if (absl::IsNotFound(status)) return SQLITE_IOERR_DELETE_NOENT;
  if (!status.ok()) return SQLITE_IOERR_DELETE;
  return sync_dir != 0 ? Code(files.SyncDir(base::ParentOf(name)), SQLITE_IOERR_DIR_FSYNC)
                       : SQLITE_OK;
}

int Access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  const absl::StatusOr<base::FileInfo> info = Of(vfs).files().Stat(name);
  if (!info.ok() && !absl::IsNotFound(info.status())) return SQLITE_IOERR_ACCESS;
  // An empty journal is none: so says SQLite's own VFS.
  const bool there =
      info.ok() && (flags != SQLITE_ACCESS_EXISTS || info->size > 0 || info->is_directory);
  *result = there ? 1 : 0;
  return SQLITE_OK;
}

int FullPathname(sqlite3_vfs* /*vfs*/, const char* name, int size, char* out) {
  if (std::strlen(name) >= static_cast<size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, name, std::strlen(name) + 1);
  return SQLITE_OK;
}

int Randomness(sqlite3_vfs* vfs, int count, char* out) {
  return Of(vfs).original().xRandomness(&Of(vfs).original(), count, out);
}
int Sleep(sqlite3_vfs* vfs, int micros) {
  return Of(vfs).original().xSleep(&Of(vfs).original(), micros);
}
int CurrentTime(sqlite3_vfs* vfs, double* days) {
  return Of(vfs).original().xCurrentTime(&Of(vfs).original(), days);
}
int CurrentTimeInt64(sqlite3_vfs* vfs, sqlite3_int64* millis) {
  return Of(vfs).original().xCurrentTimeInt64(&Of(vfs).original(), millis);
}
int GetLastError(sqlite3_vfs* /*vfs*/, int /*size*/, char* /*out*/) { return 0; }

}  // namespace

SqliteVfs::SqliteVfs(base::Files& files) : files_(files), original_(sqlite3_vfs_find(nullptr)) {
  vfs_.iVersion = 2;
  vfs_.szOsFile = std::max(static_cast<int>(sizeof(VfsFile)), original_->szOsFile);
  vfs_.mxPathname = original_->mxPathname;
  vfs_.zName = "gradus-test";
  vfs_.pAppData = this;
  vfs_.xOpen = Open;
  vfs_.xDelete = Delete;
  vfs_.xAccess = Access;
  vfs_.xFullPathname = FullPathname;
  vfs_.xRandomness = Randomness;
  vfs_.xSleep = Sleep;
  vfs_.xCurrentTime = CurrentTime;
  vfs_.xCurrentTimeInt64 = CurrentTimeInt64;
  vfs_.xGetLastError = GetLastError;
  sqlite3_vfs_register(&vfs_, 1);
}

SqliteVfs::~SqliteVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(original_, 1);
}

std::shared_ptr<SqliteLocks> SqliteVfs::LocksOf(const std::string& path) {
  const base::MutexLock lock(mu_);
  std::weak_ptr<SqliteLocks>& slot = locks_[path];
  std::shared_ptr<SqliteLocks> locks = slot.lock();
  if (locks == nullptr) {
    locks = std::make_shared<SqliteLocks>();
    slot = locks;
  }
  return locks;
}

}  // namespace gradus::test_support
