// SPDX-License-Identifier: Apache-2.0
// The ranks of one job while they compute together: who is there, and bytes from one to another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::collective {

// Bytes on their way to or from another rank; they are borrowed until Wait has returned or this is
// destroyed.
class Transfer {
 public:
  // Of one under way: gives it up, and with it the group.
  virtual ~Transfer() = default;
  // Returns when the bytes have been received, or may be written again.
  //   Errors   UNAVAILABLE when the other rank is gone or silent, ABORTED after Group::Abort. The
  //            group is of no more use then, and what was to be received holds anything.
  virtual absl::Status Wait() = 0;
};

// A fixed number of ranks that are connected each with each. It only ever breaks: ranks that come
// or go make a new one. A rank that has waited for all its transfers may leave; only those notice
// who still want something of it.
//   Threads  one at a time; Abort any.
class Group {
 public:
  virtual ~Group() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Begin to move `bytes` (1 or more) between this rank and `peer`, another one. A message is
  // received whole by the Receive of the same channel and size at the other side; those of one
  // channel and direction keep their order. Nothing is copied or buffered beyond what the
  // transport has in flight.
  virtual absl::StatusOr<std::unique_ptr<Transfer>> Send(int peer, uint32_t channel,
                                                         std::span<const std::byte> bytes) = 0;
  virtual absl::StatusOr<std::unique_ptr<Transfer>> Receive(int peer, uint32_t channel,
                                                            std::span<std::byte> bytes) = 0;

  // Makes every Wait that is under way, and all that come, return ABORTED soon.
  virtual void Abort() = 0;
};

}  // namespace gradus::collective
