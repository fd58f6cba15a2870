// SPDX-License-Identifier: Apache-2.0
// Writing behind a ticket; what is acknowledged was synced first and recorded then.
#include "server/registry/appender.h"

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"
#include "server/registry/upload_rows.h"

namespace gradus::registry {
namespace {

class PartAppender final : public Appender {
 public:
  PartAppender(AppendTarget target, int64_t sync_bytes, UploadParts* folder, store::Store* store,
               base::Clock* clock)
      : target_(std::move(target)),
        written_(target_.committed),
        sync_bytes_(sync_bytes),
        folder_(folder),
        store_(store),
        clock_(clock) {}

  absl::Status Append(std::span<const std::byte> bytes) override {
    return Inside([&]() -> absl::Status {
      const auto count = static_cast<int64_t>(bytes.size());
      if (count > target_.size - written_) {
        return base::FieldError(absl::StatusCode::kOutOfRange, "data",
                                absl::StrCat("goes beyond the file's ", target_.size, " bytes"));
      }
      RETURN_IF_ERROR(target_.part->WriteAt(static_cast<uint64_t>(written_), bytes));
      written_ += count;
      return written_ - target_.committed >= sync_bytes_ ? MakeDurable() : absl::OkStatus();
    });
  }

  absl::StatusOr<int64_t> Commit() override {
    RETURN_IF_ERROR(Inside([this] { return MakeDurable(); }));
    return target_.committed;
  }

 private:
  absl::Status Inside(absl::FunctionRef<absl::Status()> work) {
    RETURN_IF_ERROR(fault_);
    if (!target_.slot->Enter(target_.ticket))
      return absl::AbortedError("a newer stream writes this file");
    const absl::Cleanup leave = [this] { target_.slot->Leave(); };
    // After a failed write or sync nobody knows what the file holds behind `committed`: the next
    // stream writes it anew.
    fault_ = work();
    return fault_;
  }

  // Passes on how a sync went. After one that failed nothing may be acknowledged.
  absl::Status Synced(const absl::Status& status) {
    if (!status.ok()) store_->Poison(status);
    return status;
  }

  absl::Status MakeDurable() {
    if (written_ == target_.committed) return absl::OkStatus();
    RETURN_IF_ERROR(store_->fault());
    RETURN_IF_ERROR(Synced(target_.part->Sync()));
    // A recorded size must never stand for a name that a power cut takes away.
    if (target_.committed == 0) RETURN_IF_ERROR(Synced(folder_->SyncNames()));
    FAILPOINT("registry.upload.synced");
    RETURN_IF_ERROR(store_->Write([this](store::Tx& tx) {
      return RecordCommitted(tx, target_.id, target_.file, written_, clock_->NowMicros());
    }));
    FAILPOINT("registry.upload.recorded");
    target_.committed = written_;
    return absl::OkStatus();
  }

  AppendTarget target_;
  int64_t written_;
  const int64_t sync_bytes_;
  UploadParts* const folder_;
  store::Store* const store_;
  base::Clock* const clock_;
  absl::Status fault_;
};

}  // namespace

std::unique_ptr<Appender> NewAppender(AppendTarget target, int64_t sync_bytes, UploadParts* folder,
                                      store::Store* store, base::Clock* clock) {
  return std::make_unique<PartAppender>(std::move(target), sync_bytes, folder, store, clock);
}

}  // namespace gradus::registry
