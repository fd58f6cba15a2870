// SPDX-License-Identifier: Apache-2.0
#include "engine/collective/tree_reduction.h"

#include <algorithm>
#include <utility>

#include "engine/base/status.h"
#include "engine/collective/bfloat16.h"

namespace gradus::collective {
namespace {

// Slices begin at a cache line where the stretch does.
constexpr size_t kLine = 16;

// Floats that are added while they are in the first-level cache.
constexpr size_t kChunk = 2048;

// Pieces under way: one whose sums are being received, one being added, one being sent.
constexpr size_t kDepth = 3;

using Transfers = std::vector<std::unique_ptr<Transfer>>;

size_t LongestSlice(size_t floats, int ranks) {
  const size_t lines = (floats + kLine - 1) / kLine;
  const auto parts = static_cast<size_t>(ranks);
  return (lines + parts - 1) / parts * kLine;
}

absl::Status WaitAll(Transfers& transfers) {
  for (const auto& transfer : transfers) RETURN_IF_ERROR(transfer->Wait());
  transfers.clear();
  return absl::OkStatus();
}

void AddTo(float* dst, const float* left, const float* right, size_t count) {
  for (size_t i = 0; i < count; ++i) dst[i] = left[i] + right[i];
}

}  // namespace

// Of bfloat16, `memory` has a slice received of each rank, this rank's own place holding what it
// sends of the sum, and then one sent to each rank; of float, one received of each.
struct TreeReduction::Piece {
  std::span<float> floats;
  Transfers sends;
  Transfers receives;
  std::unique_ptr<float[]> memory;
};

TreeReduction::TreeReduction(Group& group, const Subtrees& trees, const Options& options)
    : group_(group),
      trees_(trees),
      options_(options),
      rank_(group.rank()),
      ranks_(group.size()),
      width_(options.bfloat16 ? sizeof(uint16_t) : sizeof(float)),
      slice_floats_(LongestSlice(options.piece_floats, group.size())),
      chunk_(options.bfloat16 ? static_cast<size_t>(group.size()) * kChunk : 0),
      parts_(static_cast<size_t>(group.size())) {
  if (ranks_ == 1) return;
  for (size_t i = 0; i < kDepth; ++i) {
    auto piece = std::make_unique<Piece>();
    piece->sends.reserve(parts_.size());
    piece->receives.reserve(parts_.size());
    piece->memory = std::make_unique_for_overwrite<float[]>(slice_floats_ * parts_.size());
    ring_.push_back(std::move(piece));
  }
}

TreeReduction::~TreeReduction() = default;

base::Range TreeReduction::SliceOf(const Piece& piece, int rank) const {
  return base::PartOf(piece.floats.size(), rank, ranks_, kLine);
}

std::byte* TreeReduction::ReceivedFrom(Piece& piece, int rank) const {
  return reinterpret_cast<std::byte*>(piece.memory.get()) +
         static_cast<size_t>(rank) * slice_floats_ * width_;
}

absl::Status TreeReduction::Reduce(std::span<float> stretch) {
  RETURN_IF_ERROR(Add(stretch));
  return Finish();
}

absl::Status TreeReduction::Add(std::span<float> stretch) {
  if (ranks_ == 1) return absl::OkStatus();
  while (!stretch.empty()) {
    const size_t count = std::min(stretch.size(), options_.piece_floats);
    if (begun_ - spread_ == kDepth) RETURN_IF_ERROR(Spread());
    RETURN_IF_ERROR(Begin(stretch.first(count)));
    if (begun_ - summed_ > 1) RETURN_IF_ERROR(SumUp());
    stretch = stretch.subspan(count);
  }
  return absl::OkStatus();
}

absl::Status TreeReduction::Advance() { return summed_ < begun_ ? SumUp() : Spread(); }

absl::Status TreeReduction::Finish() {
  while (pending()) RETURN_IF_ERROR(Advance());
  return absl::OkStatus();
}

absl::Status TreeReduction::Begin(std::span<float> floats) {
  Piece& piece = *ring_[begun_ % kDepth];
  piece.floats = floats;
  const base::Range own = SliceOf(piece, rank_);
  const size_t own_bytes = (own.end - own.begin) * width_;
  for (int i = 1; i < ranks_ && own_bytes > 0; ++i) {
    const int peer = (rank_ + ranks_ - i) % ranks_;
    ASSIGN_OR_RETURN(auto receive, group_.Receive(peer, options_.channel,
                                                  {ReceivedFrom(piece, peer), own_bytes}));
    piece.receives.push_back(std::move(receive));
  }
  for (int i = 1; i < ranks_; ++i) {
    const int peer = (rank_ + i) % ranks_;
    const base::Range slice = SliceOf(piece, peer);
    const size_t count = slice.end - slice.begin;
    if (count == 0) continue;
    std::span<const std::byte> bytes = std::as_bytes(floats.subspan(slice.begin, count));
    if (options_.bfloat16) {
      std::byte* sent = ReceivedFrom(piece, ranks_ + peer);
      ToBfloat16(floats.data() + slice.begin, reinterpret_cast<uint16_t*>(sent), count);
      bytes = {sent, count * width_};
    }
    ASSIGN_OR_RETURN(auto send, group_.Send(peer, options_.channel, bytes));
    piece.sends.push_back(std::move(send));
  }
  ++begun_;
  return absl::OkStatus();
}

absl::Status TreeReduction::SumUp() {
  Piece& piece = *ring_[summed_ % kDepth];
  RETURN_IF_ERROR(WaitAll(piece.receives));
  AddSlice(piece);
  // What others send of their slices comes where this rank's part of them lay.
  RETURN_IF_ERROR(WaitAll(piece.sends));
  for (int i = 1; i < ranks_; ++i) {
    const int peer = (rank_ + ranks_ - i) % ranks_;
    const base::Range slice = SliceOf(piece, peer);
    const size_t count = slice.end - slice.begin;
    if (count == 0) continue;
    std::span<std::byte> bytes = std::as_writable_bytes(piece.floats.subspan(slice.begin, count));
    if (options_.bfloat16) bytes = {ReceivedFrom(piece, peer), count * width_};
    ASSIGN_OR_RETURN(auto receive, group_.Receive(peer, options_.channel + 1, bytes));
    piece.receives.push_back(std::move(receive));
  }
  const base::Range own = SliceOf(piece, rank_);
  const size_t own_floats = own.end - own.begin;
  std::span<const std::byte> sum = std::as_bytes(piece.floats.subspan(own.begin, own_floats));
  if (options_.bfloat16) sum = {ReceivedFrom(piece, rank_), own_floats * width_};
  for (int i = 1; i < ranks_ && own_floats > 0; ++i) {
    ASSIGN_OR_RETURN(auto send, group_.Send((rank_ + i) % ranks_, options_.channel + 1, sum));
    piece.sends.push_back(std::move(send));
  }
  ++summed_;
  return absl::OkStatus();
}

void TreeReduction::AddSlice(Piece& piece) {
  const base::Range own = SliceOf(piece, rank_);
  for (size_t at = 0; own.begin + at < own.end; at += kChunk) {
    const size_t count = std::min(kChunk, own.end - own.begin - at);
    float* const sum = piece.floats.data() + own.begin + at;
    for (int rank = 0; rank < ranks_; ++rank) {
      float*& part = parts_[static_cast<size_t>(rank)];
      if (rank == rank_) {
        part = sum;
      } else if (options_.bfloat16) {
        part = chunk_.data() + static_cast<size_t>(rank) * kChunk;
        FromBfloat16(reinterpret_cast<const uint16_t*>(ReceivedFrom(piece, rank)) + at, part,
                     count);
      } else {
        part = reinterpret_cast<float*>(ReceivedFrom(piece, rank)) + at;
      }
    }
    for (const Subtrees::Addition& addition : trees_.additions()) {
      float* const left = parts_[static_cast<size_t>(addition.left)];
      const bool last = &addition == &trees_.additions().back();
      AddTo(last ? sum : left, left, parts_[static_cast<size_t>(addition.right)], count);
    }
    if (options_.bfloat16) {
      auto* const sent = reinterpret_cast<uint16_t*>(ReceivedFrom(piece, rank_)) + at;
      ToBfloat16(sum, sent, count);
      FromBfloat16(sent, sum, count);
    }
  }
}

absl::Status TreeReduction::Spread() {
  Piece& piece = *ring_[spread_ % kDepth];
  RETURN_IF_ERROR(WaitAll(piece.receives));
  for (int peer = 0; peer < ranks_ && options_.bfloat16; ++peer) {
    if (peer == rank_) continue;
    const base::Range slice = SliceOf(piece, peer);
    FromBfloat16(reinterpret_cast<const uint16_t*>(ReceivedFrom(piece, peer)),
                 piece.floats.data() + slice.begin, slice.end - slice.begin);
  }
  RETURN_IF_ERROR(WaitAll(piece.sends));
  ++spread_;
  return absl::OkStatus();
}

}  // namespace gradus::collective
