// SPDX-License-Identifier: Apache-2.0
// The bytes of uploads: uploads/ID-N.part, and who writes them at the moment.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/base/mutex.h"

namespace gradus::registry {

// Lets one writer at a time into a file: the newest. A write under way is waited for, later ones of
// older writers are refused.
//   Threads  any.
class PartSlot {
 public:
  // The new writer's ticket.
  int64_t TakeOver();
  // False when there is a newer ticket. Between Enter and Leave the file is the ticket's own; no
  // lock is held.
  bool Enter(int64_t ticket);
  void Leave();

 private:
  base::Mutex mu_;
  base::CondVar left_;
  int64_t newest_ ABSL_GUARDED_BY(mu_) = 0;
  bool inside_ ABSL_GUARDED_BY(mu_) = false;
};

// The folder of parts.
//   Owns     `dir`; files must outlive it.
//   Threads  any.
class UploadParts {
 public:
  UploadParts(base::Files* files, std::string dir) : files_(files), dir_(std::move(dir)) {}

  std::string PathOf(const std::string& id, int file) const;
  std::shared_ptr<PartSlot> SlotOf(const std::string& id, int file);

  // The part, open for writing, cut to `committed` bytes. DATA_LOSS when it has fewer.
  absl::StatusOr<std::unique_ptr<base::File>> OpenAt(const std::string& id, int file,
                                                     int64_t committed);
  // Makes the names of the parts that were made so far durable.
  absl::Status SyncNames();

  // Removes an upload's parts; what cannot be removed is left to RemoveOrphans.
  void Remove(const std::string& id, int count);
  // Removes what belongs to no upload that `known` knows and was last written before
  // `before_micros`.
  absl::Status RemoveOrphans(int64_t before_micros,
                             absl::FunctionRef<absl::StatusOr<bool>(const std::string& id)> known);

 private:
  base::Files* const files_;
  const std::string dir_;
  base::Mutex mu_;
  std::map<std::pair<std::string, int>, std::weak_ptr<PartSlot>> slots_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::registry
