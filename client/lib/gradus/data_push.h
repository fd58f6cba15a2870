// SPDX-License-Identifier: Apache-2.0
// Files become a dataset on the server.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/client.h"
#include "gradus/v1/dataset_service.pb.h"

namespace gradus {

// One file to send.
struct PushFile {
  std::string path;
  // The split and the column ("x" or "y") that it holds.
  std::string split;
  std::string column;
  v1::UploadFile::Format format = v1::UploadFile::IDX;
};

struct PushProgress {
  enum class Phase { kHashing, kSending, kParsing };
  Phase phase = Phase::kHashing;
  // Bytes of all files together.
  int64_t done = 0;
  int64_t total = 0;
};

struct PushOptions {
  // Called now and then, on the calling thread.
  std::function<void(const PushProgress&)> progress;
  // Bytes a message: 1 to 1 MiB less 4 KiB; other values are taken for the nearest of these.
  int64_t chunk = 512 * 1024;
};

// The four files of an MNIST-like folder: train-images-idx3-ubyte, train-labels-idx1-ubyte,
// t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each plain or with .gz (also with '.' for the
// last '-'), as splits "train" and "test". NOT_FOUND names what is missing.
absl::StatusOr<std::vector<PushFile>> FindIdxFiles(const std::string& folder);

// Sends the files, one after another, in chunks, and has them parsed. What was sent survives a
// broken connection, and a second call with the same name and files goes on where the first one was
// broken off.
//   Errors   as Client; INVALID_ARGUMENT when a file is not what it should be, or changed while it
//            was sent; ALREADY_EXISTS when the name is taken; ABORTED when another push of the same
//            files took over.
absl::StatusOr<v1::Dataset> PushDataset(const Client& client, const std::string& name,
                                        const std::vector<PushFile>& files,
                                        const PushOptions& options = {});

}  // namespace gradus
