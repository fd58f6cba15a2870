// SPDX-License-Identifier: Apache-2.0
// The calls on uploads, and which of them may run together.
#include "server/registry/uploads.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/base/failpoint.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/registry/appender.h"
#include "server/registry/upload_check.h"
#include "server/registry/upload_finish.h"
#include "server/registry/upload_parts.h"
#include "server/registry/upload_rows.h"
#include "server/store/codec.h"
#include "server/store/request_keys.h"

namespace gradus::registry {
namespace {

constexpr size_t kIdCharacters = 12;
constexpr int kSweep = 100;

// Errors that a second try would meet again: the upload ends with them.
bool IsRefusal(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsAlreadyExists(status) ||
         absl::IsUnimplemented(status);
}

class StoredUploads final : public Uploads {
 public:
  StoredUploads(const UploadsParts& parts, const UploadsOptions& options)
      : parts_(parts), options_(options), folder_(parts.files, options.dir) {}

  absl::Status Start() {
    RETURN_IF_ERROR(base::MakeDirs(*parts_.files, options_.dir));
    // Nothing is under way yet: whatever has no row is left over.
    return RemoveOrphans(std::numeric_limits<int64_t>::max());
  }

  absl::StatusOr<v1::Upload> Begin(const std::string& user,
                                   const v1::BeginUploadRequest& request) override {
    RETURN_IF_ERROR(store::CheckRequestId(request.request_id()));
    RETURN_IF_ERROR(CheckUploadRequest(request, options_.max_upload));
    UploadRow row;
    row.request = request;
    row.request.clear_request_id();
    return Begin({user, "BeginUpload", request.request_id(), store::Fingerprint(row.request)},
                 std::move(row));
  }

  absl::StatusOr<v1::Upload> Begin(const std::string& user,
                                   const v1::PushModelRequest& request) override {
    RETURN_IF_ERROR(store::CheckRequestId(request.request_id()));
    RETURN_IF_ERROR(CheckUploadRequest(request, options_.max_upload));
    if (request.has_model()) RETURN_IF_ERROR(parts_.models->CheckDefinition(request.model()));
    UploadRow row;
    row.model = request;
    row.model.clear_request_id();
    *row.request.add_files() = request.file();
    return Begin({user, "PushModel", request.request_id(), store::Fingerprint(row.model)},
                 std::move(row));
  }

  absl::StatusOr<v1::Upload> Get(const std::string& id) override {
    ASSIGN_OR_RETURN(const UploadRow row, Load(id));
    if (row.state == UploadState::kRefused) return Gone(id);
    return ToMessage(row);
  }

  absl::StatusOr<std::string> OwnerOf(const std::string& id) override {
    ASSIGN_OR_RETURN(UploadRow row, Load(id));
    return std::move(row.user);
  }

  absl::StatusOr<std::unique_ptr<Appender>> Append(const std::string& id, int file,
                                                   int64_t offset) override {
    ASSIGN_OR_RETURN(const UploadRow asked, Load(id));
    if (asked.state != UploadState::kOpen) return Gone(id);
    if (file < 0 || file >= asked.request.files_size()) {
      return base::InvalidArgument(
          "file", absl::StrCat(file),
          absl::StrCat("one of the upload's ", asked.request.files_size(), " files"));
    }
    AppendTarget target{.id = id,
                        .file = file,
                        .size = asked.request.files(file).size(),
                        .slot = folder_.SlotOf(id, file),
                        .part = {}};
    target.ticket = target.slot->TakeOver();
    if (!target.slot->Enter(target.ticket))
      return absl::AbortedError("a newer stream writes this file");
    const absl::Cleanup leave = [slot = target.slot] { slot->Leave(); };
    // Read again: the writer before may have recorded more until now.
    ASSIGN_OR_RETURN(const UploadRow row, Load(id));
    if (row.state != UploadState::kOpen) return Gone(id);
    target.committed = row.committed[static_cast<size_t>(file)];
    if (offset != target.committed) {
      return base::FieldError(
          absl::StatusCode::kOutOfRange, "offset",
          absl::StrCat(offset, " is not the committed size, which is ", target.committed));
    }
    ASSIGN_OR_RETURN(target.part, folder_.OpenAt(id, file, target.committed));
    return NewAppender(std::move(target), options_.sync_bytes, &folder_, parts_.store,
                       parts_.clock);
  }

  absl::StatusOr<v1::FinishUploadResponse> Finish(const std::string& id) override {
    Claim(id);
    const absl::Cleanup release = [&] { Release(id); };
    ASSIGN_OR_RETURN(const UploadRow row, Load(id));
    if (row.state == UploadState::kDone) return AnswerOf(row);
    if (row.state == UploadState::kRefused) return DecodeRefusal(row.answer);
    absl::StatusOr<v1::FinishUploadResponse> finished =
        FinishUpload(parts_, folder_, row, options_.max_upload);
    if (!finished.ok() && !IsRefusal(finished.status())) return finished;
    if (!finished.ok()) RETURN_IF_ERROR(Refuse(row, finished.status()));
    folder_.Remove(id, row.request.files_size());
    FAILPOINT("registry.upload.parts_removed");
    return finished;
  }

  absl::Status Abort(const std::string& id) override {
    if (!TryClaim(id))
      return absl::FailedPreconditionError(absl::StrCat("upload ", id, " is being finished"));
    const absl::Cleanup release = [&] { Release(id); };
    int files = 0;
    RETURN_IF_ERROR(parts_.store->Write([&](store::Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const std::optional<UploadRow> row, FindUpload(tx, id));
      // A finished one keeps its answer for whoever asks again.
      if (!row.has_value() || row->state != UploadState::kOpen) return absl::OkStatus();
      files = row->request.files_size();
      return DeleteUpload(tx, id);
    }));
    folder_.Remove(id, files);
    return absl::OkStatus();
  }

  absl::StatusOr<int> RemoveAbandoned() override {
    const int64_t before = parts_.clock->NowMicros() - options_.abandoned_micros;
    int removed = 0;
    while (true) {
      ASSIGN_OR_RETURN(const int gone, RemoveSome(before));
      removed += gone;
      if (gone < kSweep) break;
    }
    RETURN_IF_ERROR(RemoveOrphans(before));
    return removed;
  }

 private:
  static absl::Status Gone(const std::string& id) {
    return absl::NotFoundError(absl::StrCat("upload \"", base::Shown(id), "\" has ended"));
  }

  absl::StatusOr<UploadRow> Load(const std::string& id) const {
    UploadRow row;
    RETURN_IF_ERROR(parts_.store->Read([&](store::ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(row, GetUpload(tx, id));
      return absl::OkStatus();
    }));
    return row;
  }

  absl::StatusOr<v1::Upload> Begin(const store::RequestKey& key, UploadRow row) {
    row.id = absl::StrCat("u", base::RandomBase32(*parts_.random, kIdCharacters));
    row.user = key.user;
    row.committed.resize(static_cast<size_t>(row.request.files_size()), 0);
    RETURN_IF_ERROR(parts_.store->Write([&](store::Tx& tx) { return BeginInside(tx, key, row); }));
    FAILPOINT("registry.upload.begun");
    return ToMessage(row);
  }

  // Stores `row`, or fills it with what the same request began before.
  absl::Status BeginInside(store::Tx& tx, const store::RequestKey& key, UploadRow& row) {
    const int64_t now = parts_.clock->NowMicros();
    ASSIGN_OR_RETURN(const std::optional<std::string> answer, store::FindAnswer(tx, key, now));
    if (answer.has_value()) {
      ASSIGN_OR_RETURN(row, GetUpload(tx, *answer));
      return row.state == UploadState::kRefused ? Gone(row.id) : absl::OkStatus();
    }
    if (!row.becomes_model()) RETURN_IF_ERROR(Datasets::CheckFree(tx, row.request.dataset()));
    ASSIGN_OR_RETURN(const int64_t open, CountOpenUploads(tx, row.user));
    if (open >= options_.max_open) {
      return absl::ResourceExhaustedError(absl::StrCat(open, " uploads are under way, at most ",
                                                       options_.max_open,
                                                       " are allowed: finish or abort one"));
    }
    RETURN_IF_ERROR(InsertUpload(tx, row, now));
    return store::RememberAnswer(tx, key, row.id, now);
  }

  absl::Status Refuse(const UploadRow& row, const absl::Status& refusal) {
    return parts_.store->Write([&](store::Tx& tx) {
      return EndUpload(tx, row.id, UploadState::kRefused, EncodeRefusal(refusal),
                       parts_.clock->NowMicros());
    });
  }

  absl::StatusOr<int> RemoveSome(int64_t before) {
    // As long as a request is known, so is what became of it.
    const int64_t done_before =
        std::min(before, parts_.clock->NowMicros() - store::kRequestKeyLifetimeMicros);
    std::vector<std::string> ids;
    RETURN_IF_ERROR(parts_.store->Read([&](store::ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(ids, UploadsTouchedBefore(tx, before, done_before, kSweep));
      return absl::OkStatus();
    }));
    int removed = 0;
    for (const std::string& id : ids) {
      ASSIGN_OR_RETURN(const bool gone, RemoveOne(id));
      removed += gone ? 1 : 0;
    }
    return removed;
  }

  // False for one that is being finished right now: it was just left alone for long.
  absl::StatusOr<bool> RemoveOne(const std::string& id) {
    if (!TryClaim(id)) return false;
    const absl::Cleanup release = [&] { Release(id); };
    int files = 0;
    RETURN_IF_ERROR(parts_.store->Write([&](store::Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const std::optional<UploadRow> row, FindUpload(tx, id));
      if (row.has_value()) files = row->request.files_size();
      return DeleteUpload(tx, id);
    }));
    folder_.Remove(id, files);
    return true;
  }

  absl::Status RemoveOrphans(int64_t before) {
    return folder_.RemoveOrphans(before, [this](const std::string& id) -> absl::StatusOr<bool> {
      const absl::StatusOr<UploadRow> row = Load(id);
      if (!row.ok() && !absl::IsNotFound(row.status())) return row.status();
      return row.ok() && row->state == UploadState::kOpen;
    });
  }

  // Ending an upload is one caller's at a time.
  void Claim(const std::string& id) {
    base::MutexLock lock(mu_);
    released_.Wait(mu_,
                   [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return claimed_.count(id) == 0; });
    claimed_.insert(id);
  }
  bool TryClaim(const std::string& id) {
    base::MutexLock lock(mu_);
    return claimed_.insert(id).second;
  }
  void Release(const std::string& id) {
    base::MutexLock lock(mu_);
    claimed_.erase(id);
    released_.SignalAll();
  }

  const UploadsParts parts_;
  const UploadsOptions options_;
  UploadParts folder_;
  base::Mutex mu_;
  base::CondVar released_;
  std::set<std::string> claimed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Uploads>> Uploads::Open(const UploadsParts& parts,
                                                       const UploadsOptions& options) {
  auto uploads = std::make_unique<StoredUploads>(parts, options);
  RETURN_IF_ERROR(uploads->Start());
  return uploads;
}

}  // namespace gradus::registry
