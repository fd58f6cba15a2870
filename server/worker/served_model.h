// SPDX-License-Identifier: Apache-2.0
// A published model in memory, ready to answer batches.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "engine/data/view.h"
#include "gradus/v1/serving.pb.h"
#include "server/worker/batcher.h"

namespace gradus::worker {

// Its normalizations are folded; every number of rows that it will be asked with is compiled.
//   Owns     all memory.
//   Threads  one at a time.
//   Errors   INVALID_ARGUMENT for a definition that is none, DATA_LOSS for weights that are not the
//            definition's, RESOURCE_EXHAUSTED where memory does not do; the opener's as they are.
class ServedModel {
 public:
  static absl::StatusOr<std::unique_ptr<ServedModel>> Load(const v1::ServeSetup& setup,
                                                           const data::BlobOpener& open_blob);
  virtual ~ServedModel() = default;

  // To this model, which must outlive it. The largest batch is one that is computed in some
  // milliseconds, so that who comes next does not wait for long.
  virtual BatchModel batches() = 0;
};

}  // namespace gradus::worker
