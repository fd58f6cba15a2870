// SPDX-License-Identifier: Apache-2.0
// Files on their way to the server, whatever they become there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gradus/client.h"
#include "gradus/data_push.h"
#include "gradus/v1/dataset_service.pb.h"
#include "internal/file.h"
#include "proto/support/status_macros.h"
#include "proto/support/text_fields.h"

namespace gradus::internal {

// Hash, begin, send from the committed offset, finish.
//   Threads  one.
//   Errors   as PushDataset.
class Uploader {
 public:
  // Both must outlive it.
  Uploader(const Client& client, const PushOptions& options) : client_(client), options_(options) {}

  // Opens a file; its name and size are filled in.
  absl::Status Add(const std::string& path, v1::UploadFile description);
  // Once, after all were added.
  absl::Status Hash();
  // With its digest.
  v1::UploadFile description(size_t file) const { return locals_[file].description; }
  size_t files() const { return locals_.size(); }

  // Begins an upload under a request_id, or finds what an earlier call has begun under it.
  using Begin = absl::FunctionRef<absl::StatusOr<v1::Upload>(const std::string& request_id)>;
  // Takes the answer; NOT_FOUND where that is of the past, and what it made is gone.
  using Take = absl::FunctionRef<absl::Status(const v1::FinishUploadResponse& finished)>;
  // `content`: with the files, what makes this upload the same as an earlier one.
  absl::Status Run(absl::string_view content, Begin begin, Take take);

  // One unary call, again where it fails for a while.
  template <typename Request, typename Response>
  absl::Status Unary(absl::Status (Connection::*method)(const Request&, Response*,
                                                        const CallOptions&),
                     const Request& request, Response* response) {
    RETURN_IF_ERROR(support::CheckTextFields(request));
    return Retry(client_.options(), client_.stop(), [&](absl::Time deadline) {
      return (client_.connection().*method)(request, response, {deadline, client_.stop()});
    });
  }

 private:
  struct Local {
    File file;
    v1::UploadFile description;
  };

  absl::Status HashOne(Local& local);
  std::string RequestId(absl::string_view content, int generation) const;
  absl::Status Attempt(const std::string& request_id, Begin begin, Take take);
  absl::Status Finish(const v1::FinishUploadRequest& request, v1::FinishUploadResponse* response);
  absl::Status SendFile(const std::string& upload, int file, int64_t committed);
  absl::StatusOr<int64_t> Committed(const std::string& upload, int file);
  absl::StatusOr<int64_t> SendFrom(const std::string& upload, int file, int64_t offset);
  void Report(PushProgress::Phase phase, int64_t done) const {
    if (options_.progress) options_.progress({phase, done, total_});
  }

  const Client& client_;
  const PushOptions& options_;
  std::vector<Local> locals_;
  int64_t total_ = 0;
  int64_t hashed_ = 0;
  int64_t sent_before_ = 0;
};

}  // namespace gradus::internal
