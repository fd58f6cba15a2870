// SPDX-License-Identifier: Apache-2.0
// zlib's inflate, call by call: what the readers of gzip and of NPZ go around in their own loops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::formats {

// One run of deflated data, or several after each other.
//   Owns     zlib's state and one buffer of 64 KiB.
//   Threads  one caller at a time.
//   Errors   INVALID_ARGUMENT where the data are damaged; the sink's own errors as they are.
class InflateStream {
 public:
  using Sink = absl::FunctionRef<absl::Status(std::span<const std::byte>)>;
  enum class Wrapping { kGzip, kNone };

  // `what` names the data in messages: "gzip data".
  static absl::StatusOr<InflateStream> Create(Wrapping wrapping, const std::string& what);

  InflateStream(InflateStream&&) noexcept;
  InflateStream& operator=(InflateStream&&) noexcept;
  ~InflateStream();

  // Calls zlib once: takes what that used off `input` and passes what came out to `sink`, at most
  // 64 KiB.
  //   REQUIRES: !ended().
  absl::Status Inflate(std::span<const std::byte>& input, Sink sink);
  // Whether the last call filled the buffer, so that more may come without any input.
  bool holds_more() const;
  // Whether the run is over; what is left of the input lies behind it.
  bool ended() const;
  // Begins another run. INTERNAL where zlib's state is broken.
  absl::Status Restart();

  // Bytes that zlib has taken, over all runs.
  uint64_t consumed() const;

 private:
  struct State;
  explicit InflateStream(std::unique_ptr<State> state);

  // Apart, since zlib's state knows its own address.
  std::unique_ptr<State> state_;
};

}  // namespace gradus::formats
