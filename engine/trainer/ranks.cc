// SPDX-License-Identifier: Apache-2.0
#include "engine/trainer/ranks.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/collective/gather.h"
#include "engine/collective/subtrees.h"

namespace gradus::trainer {
namespace {

// Channels of the group; the step's exchange has those below.
constexpr uint32_t kGather = 16;
constexpr uint32_t kBroadcast = 17;

// A state is no larger: weights and slots of the largest model.
constexpr size_t kMostStateBytes = size_t{1} << 40;

// Where a rank stands, as bytes that all of them compare.
struct Mark {
  int64_t stage = 0;
  int64_t epoch = 0;
  int64_t step_in_epoch = 0;
  int64_t step = 0;
  int64_t has_state = 0;
  char fingerprint[64] = {};
};

Mark MarkOf(const Position* position, const std::string& fingerprint) {
  Mark mark;
  if (position != nullptr)
    mark = {position->stage, position->epoch, position->step_in_epoch, position->step, 1, {}};
  base::Sha256Hex(std::string_view(fingerprint)).copy(mark.fingerprint, sizeof(mark.fingerprint));
  return mark;
}

bool SameState(const Mark& a, const Mark& b) {
  return std::memcmp(&a, &b, offsetof(Mark, fingerprint)) == 0;
}

}  // namespace

absl::Status Ranks::Meet() {
  exchange_.reset();
  meeting_.group.reset();
  ASSIGN_OR_RETURN(meeting_, workers_.Meet(meeting_.generation));
  broken_ = false;
  ending_ = false;
  announced_ = meeting_.generation;
  if ((meeting_.group->rank() == 0) != options_.leader)
    return absl::FailedPreconditionError("a meeting's first rank is not the job's leader");
  ASSIGN_OR_RETURN(const collective::Subtrees trees,
                   collective::Subtrees::Create(options_.logical_shards, size()));
  shares_.clear();
  for (int rank = 0; rank < trees.ranks(); ++rank)
    shares_.push_back({trees.of(rank).begin, trees.of(rank).end});
  if (size() > 1) {
    exchange_ = std::make_unique<collective::ExchangeThread>(
        *meeting_.group, trees, collective::ExchangeThread::Options{.bfloat16 = options_.bf16});
  }
  return absl::OkStatus();
}

absl::Status Ranks::Break(absl::Status why) {
  if (!std::exchange(broken_, true)) workers_.Broken(meeting_.generation, why);
  return why;
}

bool Ranks::leaving() const {
  return size() == 1 ? workers_.announced() > meeting_.generation
                     : announced_ > meeting_.generation;
}

void Ranks::Announce(Control::Request request, int64_t step, std::optional<uint64_t> checksum) {
  word_ = {.announced = workers_.announced(),
           .step = step,
           .checksum = checksum.value_or(0),
           .has_checksum = checksum.has_value() ? 1U : 0U,
           .request = static_cast<uint32_t>(options_.leader ? request : Control::Request::kNone)};
}

absl::StatusOr<std::optional<std::string>> Ranks::Share(
    const Position* position, const std::string& fingerprint,
    absl::FunctionRef<absl::StatusOr<std::string>()> state) {
  if (size() == 1) return std::nullopt;
  const Mark own = MarkOf(position, fingerprint);
  std::vector<Mark> marks(static_cast<size_t>(size()));
  const std::vector<size_t> sizes(marks.size(), sizeof(Mark));
  RETURN_IF_ERROR(
      Gather(std::as_bytes(std::span(&own, 1)), sizes, std::as_writable_bytes(std::span(marks))));
  const Mark& leader = marks[0];
  const auto differs = [&](const Mark& mark) {
    return std::memcmp(mark.fingerprint, leader.fingerprint, sizeof(mark.fingerprint)) != 0;
  };
  if (differs(own)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "this worker would compute other bits than the leader: its instruction set or oneDNN is "
        "another one; it has ",
        fingerprint));
  }
  // That one leaves; the others meet without it.
  if (std::ranges::any_of(marks, differs))
    return Break(absl::UnavailableError("a worker that would compute other bits leaves"));
  if (leader.has_state == 0) return absl::InternalError("the leader has no state to share");
  if (std::ranges::all_of(marks, [&](const Mark& mark) { return SameState(mark, leader); }))
    return std::nullopt;
  std::string bytes;
  if (options_.leader) {
    ASSIGN_OR_RETURN(bytes, state());
  }
  const bool behind = !SameState(own, leader);
  if (!options_.leader && !behind) return std::nullopt;
  std::vector<int> to;
  for (int rank = 1; rank < size(); ++rank) {
    if (!SameState(marks[static_cast<size_t>(rank)], leader)) to.push_back(rank);
  }
  const absl::Status sent =
      collective::Broadcast(*meeting_.group, kBroadcast, 0, to, kMostStateBytes, bytes);
  if (!sent.ok()) return Break(sent);
  if (!behind) return std::nullopt;
  return bytes;
}

absl::Status Ranks::Gather(std::span<const std::byte> own, std::span<const size_t> sizes,
                           std::span<std::byte> all) {
  const absl::Status status = collective::AllGather(*meeting_.group, kGather, own, sizes, all);
  return status.ok() ? status : Break(status);
}

void Ranks::Farewell() {
  if (size() == 1) return;
  const std::byte own{};
  const std::vector<size_t> sizes(static_cast<size_t>(size()), 1);
  std::vector<std::byte> all(sizes.size());
  // Who misses somebody here has all that there was to get.
  collective::AllGather(*meeting_.group, kGather, std::span(&own, 1), sizes, all).IgnoreError();
}

void Ranks::Begin(int stretches) { exchange_->Begin(stretches); }

void Ranks::Add(int number, std::span<float> gradients) { exchange_->Add(number, gradients); }

absl::Status Ranks::Finish(std::span<const std::byte> own, std::span<const size_t> sizes,
                           std::span<std::byte> notes) {
  size_t total = 0;
  sizes_.assign(sizes.begin(), sizes.end());
  for (size_t& size : sizes_) total += size += sizeof(Word);
  own_.resize(sizeof(Word) + own.size());
  all_.resize(total);
  std::memcpy(own_.data(), &word_, sizeof(Word));
  std::ranges::copy(own, own_.begin() + sizeof(Word));
  const absl::Status status = exchange_->Finish(own_, sizes_, all_);
  if (!status.ok()) return Break(status);
  return TakeWords(sizes, notes);
}

absl::Status Ranks::TakeWords(std::span<const size_t> sizes, std::span<std::byte> notes) {
  const std::byte* from = all_.data();
  for (size_t rank = 0; rank < sizes.size(); ++rank) {
    Word word;
    std::memcpy(&word, from, sizeof(word));
    from += sizeof(word);
    if (sizes[rank] > 0) std::memcpy(notes.data(), from, sizes[rank]);
    notes = notes.subspan(sizes[rank]);
    from += sizes[rank];
    announced_ = std::max(announced_, word.announced);
    if (word.request != 0) ending_ = true;
    if (word.step != word_.step || word.has_checksum != word_.has_checksum ||
        word.checksum != word_.checksum) {
      return absl::OutOfRangeError(absl::StrCat(
          "worker ", rank, " and this one hold other weights before step ", word_.step + 1,
          word.step == word_.step ? "" : absl::StrCat(" (it is at step ", word.step + 1, ")"),
          ": memory or a processor is not to be trusted"));
    }
  }
  return absl::OkStatus();
}

}  // namespace gradus::trainer
