// SPDX-License-Identifier: Apache-2.0
// Gzip data inflated piece by piece, with a limit on what comes out and an error where the data end
// early.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::formats {

// Whether a file that starts with these bytes is gzip's.
bool IsGzip(std::span<const std::byte> first_bytes);

// One gzip file of one or more members, whose parts are pushed in order.
//   Owns     zlib's state and one buffer of 64 KiB.
//   Threads  one caller at a time.
//   Errors   INVALID_ARGUMENT: no gzip, damaged (CRC and length are checked), bytes after the last
//   member that are neither a member nor zeros, or (by
//            Finish) an early end; INVALID_ARGUMENT beyond the limit; the sink's own errors as
//            they are. After an error nothing more may be pushed.
class GzipInflater {
 public:
  using Sink = absl::FunctionRef<absl::Status(std::span<const std::byte>)>;

  // `max_output`: more inflated bytes than this are an error, found before they are passed on.
  static absl::StatusOr<GzipInflater> Create(uint64_t max_output);

  GzipInflater(GzipInflater&&) noexcept;
  GzipInflater& operator=(GzipInflater&&) noexcept;
  ~GzipInflater();

  // Inflates `input` and passes what comes out to `sink`, in pieces of at most 64 KiB.
  absl::Status Push(std::span<const std::byte> input, Sink sink);

  // To be called after the last Push: the data must have ended where a member did.
  absl::Status Finish() const;

  uint64_t consumed() const;
  uint64_t produced() const;

 private:
  struct State;
  explicit GzipInflater(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace gradus::formats
