// SPDX-License-Identifier: Apache-2.0
// A loop that goes on over member borders and counts both sides.
#include "engine/formats/gzip.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/formats/inflate_stream.h"

namespace gradus::formats {

bool IsGzip(std::span<const std::byte> first_bytes) {
  return first_bytes.size() >= 2 && first_bytes[0] == std::byte{0x1f} &&
         first_bytes[1] == std::byte{0x8b};
}

struct GzipInflater::State {
  // In a member; between members (at the start, a member must come); in zeros after the last one.
  enum class Place { kStart, kMember, kBetween, kPadding };

  State(InflateStream inflater, uint64_t limit) : stream(std::move(inflater)), max_output(limit) {}

  absl::Status Inflate(std::span<const std::byte>& input, Sink sink);
  absl::Status SkipPadding(std::span<const std::byte>& input);

  InflateStream stream;
  Place place = Place::kStart;
  uint64_t padding = 0;
  uint64_t produced = 0;
  uint64_t max_output;
};

// One call of zlib; takes what it used off `input`.
absl::Status GzipInflater::State::Inflate(std::span<const std::byte>& input, Sink sink) {
  RETURN_IF_ERROR(stream.Inflate(input, [&](std::span<const std::byte> made) -> absl::Status {
    if (made.size() > max_output - produced) {
      return absl::InvalidArgumentError(
          absl::StrCat("gzip data inflate to more than ", max_output, " bytes"));
    }
    produced += made.size();
    return sink(made);
  }));
  if (stream.ended()) place = Place::kBetween;
  return absl::OkStatus();
}

absl::Status GzipInflater::State::SkipPadding(std::span<const std::byte>& input) {
  const auto other = std::find_if(input.begin(), input.end(),
                                  [](std::byte value) { return value != std::byte{0}; });
  padding += static_cast<uint64_t>(other - input.begin());
  if (other != input.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "gzip data are followed by something else at byte ", stream.consumed() + padding));
  }
  input = {};
  return absl::OkStatus();
}

absl::StatusOr<GzipInflater> GzipInflater::Create(uint64_t max_output) {
  ASSIGN_OR_RETURN(InflateStream stream,
                   InflateStream::Create(InflateStream::Wrapping::kGzip, "gzip data"));
  return GzipInflater(std::make_unique<State>(std::move(stream), max_output));
}

GzipInflater::GzipInflater(std::unique_ptr<State> state) : state_(std::move(state)) {}
GzipInflater::GzipInflater(GzipInflater&&) noexcept = default;
GzipInflater& GzipInflater::operator=(GzipInflater&&) noexcept = default;
GzipInflater::~GzipInflater() = default;

absl::Status GzipInflater::Push(std::span<const std::byte> input, Sink sink) {
  using Place = State::Place;
  while (!input.empty()) {
    if (state_->place == Place::kBetween && input.front() == std::byte{0})
      state_->place = Place::kPadding;
    if (state_->place == Place::kPadding) return state_->SkipPadding(input);
    if (state_->place == Place::kBetween) RETURN_IF_ERROR(state_->stream.Restart());
    state_->place = Place::kMember;
    RETURN_IF_ERROR(state_->Inflate(input, sink));
  }
  // The last call may have filled the buffer exactly and hold more back.
  while (state_->stream.holds_more()) RETURN_IF_ERROR(state_->Inflate(input, sink));
  return absl::OkStatus();
}

absl::Status GzipInflater::Finish() const {
  if (state_->place == State::Place::kBetween || state_->place == State::Place::kPadding)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("gzip data ends early after ", consumed(), " bytes"));
}

uint64_t GzipInflater::consumed() const { return state_->stream.consumed() + state_->padding; }
uint64_t GzipInflater::produced() const { return state_->produced; }

}  // namespace gradus::formats
