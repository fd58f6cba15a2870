// SPDX-License-Identifier: Apache-2.0
// Opening, cutting and removing parts.
#include "server/registry/upload_parts.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/status.h"

namespace gradus::registry {

int64_t PartSlot::TakeOver() {
  base::MutexLock lock(mu_);
  const int64_t ticket = ++newest_;
  left_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !inside_; });
  return ticket;
}

bool PartSlot::Enter(int64_t ticket) {
  base::MutexLock lock(mu_);
  left_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !inside_; });
  if (ticket != newest_) return false;
  inside_ = true;
  return true;
}

void PartSlot::Leave() {
  base::MutexLock lock(mu_);
  inside_ = false;
  left_.SignalAll();
}

std::string UploadParts::PathOf(const std::string& id, int file) const {
  return base::JoinPath(dir_, absl::StrCat(id, "-", file, ".part"));
}

std::shared_ptr<PartSlot> UploadParts::SlotOf(const std::string& id, int file) {
  base::MutexLock lock(mu_);
  std::erase_if(slots_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<PartSlot>& known = slots_[{id, file}];
  std::shared_ptr<PartSlot> slot = known.lock();
  if (slot == nullptr) {
    slot = std::make_shared<PartSlot>();
    known = slot;
  }
  return slot;
}

absl::StatusOr<std::unique_ptr<base::File>> UploadParts::OpenAt(const std::string& id, int file,
                                                                int64_t committed) {
  const std::string path = PathOf(id, file);
  ASSIGN_OR_RETURN(std::unique_ptr<base::File> part,
                   files_->OpenWrite(path, {.create = committed == 0}));
  ASSIGN_OR_RETURN(const uint64_t size, part->Size());
  if (size < static_cast<uint64_t>(committed)) {
    return absl::DataLossError(
        absl::StrCat(path, ": ", size, " bytes, ", committed, " were recorded"));
  }
  if (size > static_cast<uint64_t>(committed))
    RETURN_IF_ERROR(part->Truncate(static_cast<uint64_t>(committed)));
  return part;
}

absl::Status UploadParts::SyncNames() { return files_->SyncDir(dir_); }

void UploadParts::Remove(const std::string& id, int count) {
  for (int file = 0; file < count; ++file) {
    const absl::Status removed = files_->Remove(PathOf(id, file));
    if (!removed.ok() && !absl::IsNotFound(removed))
      base::LogWarning("an upload's part could not be removed", {{"error", removed}});
  }
}

absl::Status UploadParts::RemoveOrphans(
    int64_t before_micros, absl::FunctionRef<absl::StatusOr<bool>(const std::string& id)> known) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_->List(dir_));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const bool belongs, known(name.substr(0, name.find('-'))));
    if (belongs) continue;
    const std::string path = base::JoinPath(dir_, name);
    absl::StatusOr<base::FileInfo> info = files_->Stat(path);
    if (absl::IsNotFound(info.status())) continue;
    RETURN_IF_ERROR(info.status());
    if (info->is_directory || info->modified_micros >= before_micros) continue;
    if (const absl::Status removed = files_->Remove(path);
        !removed.ok() && !absl::IsNotFound(removed))
      return removed;
  }
  return absl::OkStatus();
}

}  // namespace gradus::registry
