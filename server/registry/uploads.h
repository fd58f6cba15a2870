// SPDX-License-Identifier: Apache-2.0
// Datasets and models on their way in: begun, appended to in pieces that survive any break,
// checked, parsed, registered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "engine/base/random.h"
#include "gradus/v1/dataset_service.pb.h"
#include "gradus/v1/model_service.pb.h"
#include "server/registry/datasets.h"
#include "server/registry/models.h"
#include "server/registry/parser.h"
#include "server/store/blobs.h"
#include "server/store/store.h"

namespace gradus::registry {

struct UploadsOptions {
  std::string dir;  // DIR/uploads; holds ID-N.part and nothing else
  // Bytes of one upload's files together; of what is parsed out of them, too.
  int64_t max_upload = int64_t{16} << 30;
  int max_open = 64;                          // a user's uploads at once
  int64_t abandoned_micros = 86'400'000'000;  // an upload that nobody touched so long is removed
  int64_t sync_bytes = int64_t{64} << 20;     // a long stream makes itself durable this often
};

// What Uploads stands on. All must outlive it.
struct UploadsParts {
  store::Store* store = nullptr;
  store::BlobStore* blobs = nullptr;
  Datasets* datasets = nullptr;
  Models* models = nullptr;
  Parser* parser = nullptr;
  base::Files* files = nullptr;
  base::Clock* clock = nullptr;
  base::RandomSource* random = nullptr;
};

// One stream into one file. At most one a file is live: a newer one takes over, and the older one's
// calls are ABORTED.
//   Threads  one at a time.
//   Errors   OUT_OF_RANGE for more bytes than the file has; RESOURCE_EXHAUSTED for a full disk.
//            After an error only the destructor may follow; what was committed stays. A sync that
//            fails poisons the store.
class Appender {
 public:
  virtual ~Appender() = default;
  virtual absl::Status Append(std::span<const std::byte> bytes) = 0;
  // Makes everything appended durable and returns the file's committed size. Call it at the end of
  // the stream, broken or not.
  virtual absl::StatusOr<int64_t> Commit() = 0;
};

// An upload's row says how far each of its files is durable; bytes beyond that are cut off before
// more is appended.
//   Owns     the tables uploads and upload_files, and `dir`.
//   Threads  any.
//   Errors   NOT_FOUND for an upload that is unknown, refused or aborted; INVALID_ARGUMENT with the
//   field's path for what is wrong with a request or a file.
class Uploads {
 public:
  // Makes `dir` where it is missing and removes files in it that belong to no upload.
  static absl::StatusOr<std::unique_ptr<Uploads>> Open(const UploadsParts& parts,
                                                       const UploadsOptions& options);
  virtual ~Uploads() = default;

  // Nothing is stored when it is refused. RESOURCE_EXHAUSTED beyond max_open; ALREADY_EXISTS when
  // the name is taken.
  virtual absl::StatusOr<v1::Upload> Begin(const std::string& user,
                                           const v1::BeginUploadRequest& request) = 0;
  // The same for what becomes the next version of a model.
  virtual absl::StatusOr<v1::Upload> Begin(const std::string& user,
                                           const v1::PushModelRequest& request) = 0;
  virtual absl::StatusOr<v1::Upload> Get(const std::string& id) = 0;
  virtual absl::StatusOr<std::string> OwnerOf(const std::string& id) = 0;
  // `offset` must be the file's committed size: OUT_OF_RANGE names the right one.
  virtual absl::StatusOr<std::unique_ptr<Appender>> Append(const std::string& id, int file,
                                                           int64_t offset) = 0;
  // Checks digests, parses, registers; may take minutes. A refusal (INVALID_ARGUMENT,
  // ALREADY_EXISTS, UNIMPLEMENTED) removes the upload; after other errors it can be tried again. A
  // repeated call gets the first answer, for a week.
  virtual absl::StatusOr<v1::FinishUploadResponse> Finish(const std::string& id) = 0;
  // OK when it is gone already. FAILED_PRECONDITION while it is being finished.
  virtual absl::Status Abort(const std::string& id) = 0;

  // Removes what nobody touched for abandoned_micros, and answers after a week; returns how many.
  // Run it about hourly.
  virtual absl::StatusOr<int> RemoveAbandoned() = 0;
};

}  // namespace gradus::registry
