// SPDX-License-Identifier: Apache-2.0
// The Files interface over a disk in memory.
#include "tests/support/power_cut_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::test_support {

using base::MutexLock;

// An open file; dead after the next power cut.
class PowerCutFile final : public base::File {
 public:
  PowerCutFile(PowerCutFiles& owner, std::shared_ptr<DiskNode> node, uint64_t generation)
      : owner_(owner), node_(std::move(node)), generation_(generation) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<std::byte> dst) const override {
    const MutexLock lock(owner_.mu_);
    RETURN_IF_ERROR(Alive());
    const std::vector<std::byte>& bytes = node_->file.bytes();
    if (offset >= bytes.size()) return 0;
    const auto count = static_cast<size_t>(std::min<uint64_t>(dst.size(), bytes.size() - offset));
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), count, dst.begin());
    return count;
  }
  absl::Status WriteAt(uint64_t offset, std::span<const std::byte> src) override {
    const MutexLock lock(owner_.mu_);
    RETURN_IF_ERROR(Change());
    node_->file.Write(offset, src);
    return absl::OkStatus();
  }
  absl::Status Append(std::span<const std::byte> src) override {
    const MutexLock lock(owner_.mu_);
    RETURN_IF_ERROR(Change());
    node_->file.Write(node_->file.bytes().size(), src);
    return absl::OkStatus();
  }
  absl::Status Sync() override {
    const MutexLock lock(owner_.mu_);
    RETURN_IF_ERROR(Change());
    if (owner_.LosesSync()) {
      node_->file.Forget();
      return absl::DataLossError("this sync was lost");
    }
    node_->file.Sync();
    return absl::OkStatus();
  }
  absl::Status Truncate(uint64_t size) override {
    const MutexLock lock(owner_.mu_);
    RETURN_IF_ERROR(Change());
    node_->file.Truncate(size);
    return absl::OkStatus();
  }
  absl::StatusOr<uint64_t> Size() const override {
    const MutexLock lock(owner_.mu_);
    RETURN_IF_ERROR(Alive());
    return node_->file.bytes().size();
  }

 private:
  absl::Status Alive() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(owner_.mu_) {
    if (generation_ != owner_.generation_)
      return absl::UnavailableError("this file was open when the power was cut");
    return owner_.Read();
  }
  absl::Status Change() ABSL_EXCLUSIVE_LOCKS_REQUIRED(owner_.mu_) {
    RETURN_IF_ERROR(Alive());
    return owner_.Change();
  }

  PowerCutFiles& owner_;
  const std::shared_ptr<DiskNode> node_;
  const uint64_t generation_;
};

// A held lock; a power cut lets it go.
class PowerCutLock final : public base::FileLock {
 public:
  PowerCutLock(PowerCutFiles& owner, std::shared_ptr<DiskNode> node, uint64_t generation)
      : owner_(owner), node_(std::move(node)), generation_(generation) {}
  ~PowerCutLock() override {
    const MutexLock lock(owner_.mu_);
    if (generation_ == owner_.generation_) std::erase(owner_.locked_, node_.get());
  }

 private:
  PowerCutFiles& owner_;
  const std::shared_ptr<DiskNode> node_;
  const uint64_t generation_;
};

void PowerCutFiles::PowerCut(uint64_t seed) {
  const MutexLock lock(mu_);
  disk_.Cut(seed);
  ++generation_;
  off_after_ = UINT64_MAX;
  syncs_left_ = 0;
  locked_.clear();
}

void PowerCutFiles::TurnOffAfter(uint64_t n) {
  const MutexLock lock(mu_);
  off_after_ = changes_ + n;
}

bool PowerCutFiles::off() const {
  const MutexLock lock(mu_);
  return !Read().ok();
}

void PowerCutFiles::LoseSyncAfter(uint64_t n) {
  const MutexLock lock(mu_);
  syncs_left_ = n + 1;
  sync_lost_ = false;
}

bool PowerCutFiles::sync_lost() const {
  const MutexLock lock(mu_);
  return sync_lost_;
}

bool PowerCutFiles::LosesSync() {
  if (syncs_left_ == 0 || --syncs_left_ > 0) return false;
  sync_lost_ = true;
  return true;
}

uint64_t PowerCutFiles::changes() const {
  const MutexLock lock(mu_);
  return changes_;
}

absl::Status PowerCutFiles::Read() const {
  // One change more than allowed was asked for: that one turned the power off.
  if (changes_ > off_after_) return absl::UnavailableError("the power is off");
  return absl::OkStatus();
}

absl::Status PowerCutFiles::Change() {
  RETURN_IF_ERROR(Read());
  ++changes_;
  return Read();
}

absl::StatusOr<PowerCutFiles::Place> PowerCutFiles::Find(const std::string& path) const {
  RETURN_IF_ERROR(Read());
  Place place{disk_.root(), "", disk_.root()};
  for (const std::string& name :
       std::vector<std::string>(absl::StrSplit(path, '/', absl::SkipEmpty()))) {
    if (name == ".") continue;
    if (name == "..") return absl::PermissionDeniedError(absl::StrCat(path, ": leads upwards"));
    if (place.node == nullptr)
      return absl::NotFoundError(absl::StrCat(path, ": no such directory"));
    if (!place.node->is_directory)
      return absl::FailedPreconditionError(absl::StrCat(path, ": leads through a file"));
    const auto found = place.node->entries.find(name);
    std::shared_ptr<DiskNode> next = found == place.node->entries.end() ? nullptr : found->second;
    place = Place{place.node, name, std::move(next)};
  }
  return place;
}

absl::StatusOr<std::shared_ptr<DiskNode>> PowerCutFiles::FindDir(const std::string& path) const {
  ASSIGN_OR_RETURN(Place place, Find(path));
  if (place.node == nullptr) return absl::NotFoundError(absl::StrCat(path, ": no such directory"));
  if (!place.node->is_directory)
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a directory"));
  return std::move(place.node);
}

absl::StatusOr<std::shared_ptr<DiskNode>> PowerCutFiles::FindFile(const std::string& path) const {
  ASSIGN_OR_RETURN(Place place, Find(path));
  if (place.node == nullptr) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  if (place.node->is_directory)
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a regular file"));
  return std::move(place.node);
}

absl::StatusOr<std::unique_ptr<base::File>> PowerCutFiles::OpenRead(const std::string& path) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(std::shared_ptr<DiskNode> node, FindFile(path));
  return std::make_unique<PowerCutFile>(*this, std::move(node), generation_);
}

absl::StatusOr<std::unique_ptr<base::File>> PowerCutFiles::OpenWrite(
    const std::string& path, const base::OpenOptions& options) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(Place place, Find(path));
  if (place.node == nullptr) {
    if (!options.create) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
    RETURN_IF_ERROR(Change());
    place.node = std::make_shared<DiskNode>(false);
    disk_.Apply({{place.dir, place.name, place.node}});
  } else if (options.create && options.exclusive) {
    return absl::AlreadyExistsError(absl::StrCat(path, ": exists"));
  }
  if (place.node->is_directory)
    return absl::FailedPreconditionError(absl::StrCat(path, ": not a regular file"));
  if (options.truncate && !place.node->file.bytes().empty()) {
    RETURN_IF_ERROR(Change());
    place.node->file.Truncate(0);
  }
  return std::make_unique<PowerCutFile>(*this, std::move(place.node), generation_);
}

absl::StatusOr<base::TemporaryFile> PowerCutFiles::CreateTemporary(const std::string& dir) {
  std::string path;
  {
    const MutexLock lock(mu_);
    path = base::JoinPath(dir, absl::StrCat(".tmp-", next_temporary_++));
  }
  ASSIGN_OR_RETURN(
      std::unique_ptr<base::File> file,
      OpenWrite(path, base::OpenOptions{
                          .create = true, .exclusive = true, .truncate = false, .mode = 0600}));
  return base::TemporaryFile{std::move(path), std::move(file)};
}

absl::StatusOr<base::MappedFile> PowerCutFiles::Map(const std::string& path) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const std::shared_ptr<DiskNode> node, FindFile(path));
  const auto copy = std::make_shared<const std::vector<std::byte>>(node->file.bytes());
  return base::MappedFile(*copy, [copy] {});
}

absl::Status PowerCutFiles::Rename(const std::string& from, const std::string& to) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const Place source, Find(from));
  ASSIGN_OR_RETURN(const Place target, Find(to));
  if (source.node == nullptr) return absl::NotFoundError(absl::StrCat(from, ": no such file"));
  if (target.node == source.node) return absl::OkStatus();
  const bool replaces_dir = target.node != nullptr && target.node->is_directory;
  if (replaces_dir && (!source.node->is_directory || !target.node->entries.empty())) {
    return absl::FailedPreconditionError(absl::StrCat(to, ": a directory is in the way"));
  }
  RETURN_IF_ERROR(Change());
  disk_.Apply({{source.dir, source.name, nullptr}, {target.dir, target.name, source.node}});
  return absl::OkStatus();
}

absl::Status PowerCutFiles::SyncDir(const std::string& dir) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const std::shared_ptr<DiskNode> node, FindDir(dir));
  RETURN_IF_ERROR(Change());
  disk_.SyncDir(*node);
  return absl::OkStatus();
}

absl::Status PowerCutFiles::Remove(const std::string& path) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const Place place, Find(path));
  if (place.node == nullptr) return absl::NotFoundError(absl::StrCat(path, ": nothing there"));
  if (place.name.empty() || !place.node->entries.empty())
    return absl::FailedPreconditionError(absl::StrCat(path, ": not empty"));
  RETURN_IF_ERROR(Change());
  disk_.Apply({{place.dir, place.name, nullptr}});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> PowerCutFiles::List(const std::string& dir) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const std::shared_ptr<DiskNode> node, FindDir(dir));
  std::vector<std::string> names;
  for (const auto& [name, child] : node->entries) names.push_back(name);
  return names;
}

absl::StatusOr<base::FileInfo> PowerCutFiles::Stat(const std::string& path) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const Place place, Find(path));
  if (place.node == nullptr) return absl::NotFoundError(absl::StrCat(path, ": nothing there"));
  return base::FileInfo{.size = place.node->file.bytes().size(),
                        .is_directory = place.node->is_directory};
}

absl::Status PowerCutFiles::MakeDir(const std::string& dir, uint32_t /*mode*/) {
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(const Place place, Find(dir));
  if (place.node != nullptr && place.node->is_directory) return absl::OkStatus();
  if (place.node != nullptr)
    return absl::AlreadyExistsError(
        absl::StrCat(dir, ": there is something that is not a directory"));
  RETURN_IF_ERROR(Change());
  disk_.Apply({{place.dir, place.name, std::make_shared<DiskNode>(true)}});
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<base::FileLock>> PowerCutFiles::Lock(const std::string& path) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<base::File> created,
      OpenWrite(path, base::OpenOptions{
                          .create = true, .exclusive = false, .truncate = false, .mode = 0600}));
  const MutexLock lock(mu_);
  ASSIGN_OR_RETURN(std::shared_ptr<DiskNode> node, FindFile(path));
  if (std::find(locked_.begin(), locked_.end(), node.get()) != locked_.end()) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": locked by another process"));
  }
  locked_.push_back(node.get());
  return std::make_unique<PowerCutLock>(*this, std::move(node), generation_);
}

}  // namespace gradus::test_support
