// SPDX-License-Identifier: Apache-2.0
// What `gradus server check` and every store test run: the database against itself and against the
// blobs on disk.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/store/blobs.h"
#include "server/store/store.h"

namespace gradus::store {

struct VerifyOptions {
  bool read_blobs = true;  // digest every blob; else only existence and size
};

// One sentence a finding; none means sound. Findings: the engine's own, event numbers with
// gaps, logs whose end disagrees with their job, states that cannot be (a finished job with a
// fence, a running one without), two attempts with one fence, references to blobs that are not
// stored, blobs whose bytes are not those of their digest.
absl::StatusOr<std::vector<std::string>> Verify(const Store& store, BlobStore& blobs,
                                                const VerifyOptions& options = {});

}  // namespace gradus::store
