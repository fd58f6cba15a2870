// SPDX-License-Identifier: Apache-2.0
#include "engine/formats/inflate_stream.h"

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
// zlib's words for the largest window in gzip's wrapping, and in none.
constexpr int kGzipBits = 15 + 16;
constexpr int kRawBits = -15;

}  // namespace

struct InflateStream::State {
  explicit State(const std::string& data) : what(data), output(kOutput) {}
  ~State() {
    if (ready) inflateEnd(&stream);
  }

  const std::string what;
  z_stream stream{};
  bool ready = false;
  bool ended = false;
  uint64_t consumed = 0;
  std::vector<std::byte> output;
};

absl::StatusOr<InflateStream> InflateStream::Create(Wrapping wrapping, const std::string& what) {
  auto state = std::make_unique<State>(what);
  if (inflateInit2(&state->stream, wrapping == Wrapping::kGzip ? kGzipBits : kRawBits) != Z_OK)
    return absl::ResourceExhaustedError(absl::StrCat(what, ": no memory to inflate"));
  state->ready = true;
  return InflateStream(std::move(state));
}

InflateStream::InflateStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
InflateStream::InflateStream(InflateStream&&) noexcept = default;
InflateStream& InflateStream::operator=(InflateStream&&) noexcept = default;
InflateStream::~InflateStream() = default;

absl::Status InflateStream::Inflate(std::span<const std::byte>& input, Sink sink) {
  z_stream& stream = state_->stream;
  std::vector<std::byte>& output = state_->output;
  const size_t given = std::min<size_t>(input.size(), std::numeric_limits<uInt>::max());
  // zlib does not write through next_in; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  stream.avail_in = static_cast<uInt>(given);
  stream.next_out = reinterpret_cast<Bytef*>(output.data());
  stream.avail_out = static_cast<uInt>(output.size());
  const int result = inflate(&stream, Z_NO_FLUSH);
  const size_t used = given - stream.avail_in;
  const size_t made = output.size() - stream.avail_out;
  state_->consumed += used;
  input = input.subspan(used);
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
    return absl::InvalidArgumentError(
        absl::StrCat(state_->what, " are damaged before byte ", state_->consumed, ": ",
                     stream.msg == nullptr ? "no more is known" : stream.msg));
  }
  if (result == Z_STREAM_END) state_->ended = true;
  return made > 0 ? sink(std::span<const std::byte>(output.data(), made)) : absl::OkStatus();
}

bool InflateStream::holds_more() const {
  return !state_->ended && state_->stream.avail_out == 0 && state_->consumed > 0;
}

bool InflateStream::ended() const { return state_->ended; }

absl::Status InflateStream::Restart() {
  if (inflateReset(&state_->stream) != Z_OK)
    return absl::InternalError(absl::StrCat(state_->what, ": zlib's state is broken"));
  state_->ended = false;
  return absl::OkStatus();
}

uint64_t InflateStream::consumed() const { return state_->consumed; }

}  // namespace gradus::formats
