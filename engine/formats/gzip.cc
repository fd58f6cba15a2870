// SPDX-License-Identifier: Apache-2.0
// A loop around zlib that goes on over member borders and counts both sides.
#include "engine/formats/gzip.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include <zlib.h>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::formats {
namespace {

constexpr size_t kOutput = 64 << 10;
// The largest window, and gzip's wrapping alone.
constexpr int kWindowBits = 15 + 16;

}  // namespace

bool IsGzip(std::span<const std::byte> first_bytes) {
  return first_bytes.size() >= 2 && first_bytes[0] == std::byte{0x1f} &&
         first_bytes[1] == std::byte{0x8b};
}

struct GzipInflater::State {
  // In a member; between members (at the start, a member must come); in zeros after the last one.
  enum class Place { kStart, kMember, kBetween, kPadding };

  explicit State(uint64_t limit) : max_output(limit), output(kOutput) {}
  ~State() {
    if (ready) inflateEnd(&stream);
  }

  absl::Status Inflate(std::span<const std::byte>& input, Sink sink);
  absl::Status SkipPadding(std::span<const std::byte>& input);

  z_stream stream{};
  bool ready = false;
  Place place = Place::kStart;
  uint64_t consumed = 0;
  uint64_t produced = 0;
  uint64_t max_output;
  std::vector<std::byte> output;
};

// One call of zlib; takes what it used off `input`.
absl::Status GzipInflater::State::Inflate(std::span<const std::byte>& input, Sink sink) {
  const size_t given = std::min<size_t>(input.size(), std::numeric_limits<uInt>::max());
  // zlib does not write through next_in; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  stream.avail_in = static_cast<uInt>(given);
  stream.next_out = reinterpret_cast<Bytef*>(output.data());
  stream.avail_out = static_cast<uInt>(output.size());
  const int result = inflate(&stream, Z_NO_FLUSH);
  const size_t used = given - stream.avail_in;
  const size_t made = output.size() - stream.avail_out;
  consumed += used;
  input = input.subspan(used);
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
    return absl::InvalidArgumentError(
        absl::StrCat("gzip data are damaged before byte ", consumed, ": ",
                     stream.msg == nullptr ? "no more is known" : stream.msg));
  }
  if (made > max_output - produced) {
    return absl::ResourceExhaustedError(
        absl::StrCat("gzip data inflate to more than ", max_output, " bytes"));
  }
  produced += made;
  if (made > 0) RETURN_IF_ERROR(sink(std::span<const std::byte>(output.data(), made)));
  if (result == Z_STREAM_END) place = Place::kBetween;
  return absl::OkStatus();
}

absl::Status GzipInflater::State::SkipPadding(std::span<const std::byte>& input) {
  const auto other = std::find_if(input.begin(), input.end(),
                                  [](std::byte value) { return value != std::byte{0}; });
  consumed += static_cast<uint64_t>(other - input.begin());
  if (other != input.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("gzip data are followed by something else at byte ", consumed));
  }
  input = {};
  return absl::OkStatus();
}

absl::StatusOr<GzipInflater> GzipInflater::Create(uint64_t max_output) {
  auto state = std::make_unique<State>(max_output);
  if (inflateInit2(&state->stream, kWindowBits) != Z_OK)
    return absl::ResourceExhaustedError("gzip: no memory to inflate");
  state->ready = true;
  return GzipInflater(std::move(state));
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
    if (state_->place == Place::kBetween && inflateReset(&state_->stream) != Z_OK) {
      return absl::InternalError("gzip: zlib's state is broken");
    }
    state_->place = Place::kMember;
    RETURN_IF_ERROR(state_->Inflate(input, sink));
  }
  // The last call may have filled the buffer exactly and hold more back.
  while (state_->place == Place::kMember && state_->stream.avail_out == 0)
    RETURN_IF_ERROR(state_->Inflate(input, sink));
  return absl::OkStatus();
}

absl::Status GzipInflater::Finish() const {
  if (state_->place == State::Place::kBetween || state_->place == State::Place::kPadding)
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("gzip data ends early after ", state_->consumed, " bytes"));
}

uint64_t GzipInflater::consumed() const { return state_->consumed; }
uint64_t GzipInflater::produced() const { return state_->produced; }

}  // namespace gradus::formats
