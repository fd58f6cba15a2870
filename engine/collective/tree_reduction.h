// SPDX-License-Identifier: Apache-2.0
// Sums over all ranks, added in the order of one tree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/team.h"
#include "engine/collective/group.h"
#include "engine/collective/subtrees.h"

namespace gradus::collective {

// Replaces stretches of floats, on each rank the sum over its own shards, by the sum over all
// shards. Without `bfloat16` the bits are those of adding up S shards one by one in the binary
// tree, whatever the number of ranks.
//
// A stretch is cut in pieces and each piece in slices, one a rank. A rank receives the others' sums
// of its own slice, adds them in the order of the tree and sends the result to all. Several pieces
// are under way at once, so that sending, adding and receiving overlap.
//   Shapes   stretches: any length, the same on all ranks, in the same order.
//   Owns     memory for what is received, taken once: about 3 * `piece_floats` * 4 bytes.
//   Threads  one, the group's.
//   Errors   those of the group; stretches that were under way hold anything then.
//   Source   reduce-scatter and all-gather: Thakur, Rabenseifner, Gropp 2005.
class TreeReduction {
 public:
  struct Options {
    // Sums are rounded to bfloat16 before they are sent, and the whole sum once more, so that all
    // ranks hold the same bits; they depend on the number of ranks.
    bool bfloat16 = false;
    // Used together with the one that follows it, by nothing else.
    uint32_t channel = 0;
    // Floats of a piece. A message has a rank's share of them; with more ranks than cores shorter
    // ones cost more.
    size_t piece_floats = 1024 * 1024;
  };

  // `group` must outlive this. REQUIRES: as many ranks in `trees` as in the group.
  TreeReduction(Group& group, const Subtrees& trees, const Options& options);
  ~TreeReduction();
  TreeReduction(const TreeReduction&) = delete;
  TreeReduction& operator=(const TreeReduction&) = delete;

  // Begins on a stretch, which is borrowed until nothing is pending. Goes on with earlier ones as
  // far as it must wait.
  absl::Status Add(std::span<float> stretch);
  // Whether anything is under way.
  bool pending() const { return summed_ < begun_ || spread_ < summed_; }
  // One step further, waiting for it. REQUIRES: pending().
  absl::Status Advance();
  // Until nothing is pending: every stretch holds its sum.
  absl::Status Finish();
  // Add and Finish.
  absl::Status Reduce(std::span<float> stretch);

 private:
  struct Piece;

  absl::Status Begin(std::span<float> floats);
  absl::Status SumUp();
  absl::Status Spread();
  void AddSlice(Piece& piece);
  base::Range SliceOf(const Piece& piece, int rank) const;
  // Where what `rank` sent of this rank's slice lies, and what it will send of its own.
  std::byte* ReceivedFrom(Piece& piece, int rank) const;

  Group& group_;
  const Subtrees trees_;
  const Options options_;
  const int rank_;
  const int ranks_;
  const size_t width_;  // bytes of a float on the wire
  // Of the longest slice, in floats.
  const size_t slice_floats_;
  std::vector<std::unique_ptr<Piece>> ring_;
  // Floats of each rank that are being added; those of bfloat16 are widened into it.
  std::vector<float> chunk_;
  std::vector<float*> parts_;
  // Pieces that were begun, whose slice of this rank was added, and which are complete.
  uint64_t begun_ = 0;
  uint64_t summed_ = 0;
  uint64_t spread_ = 0;
};

}  // namespace gradus::collective
