// SPDX-License-Identifier: Apache-2.0
// How the shards of a batch are shared out among ranks, and the order in which their sums are
// added.
#pragma once

#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus::collective {

// The binary tree over S shards, cut into one subtree a rank. Each rank adds up its own subtree;
// adding the ranks' sums in the order given here completes the tree, so the bits of the whole sum
// depend on S and not on the number of ranks.
//   Threads  any, once created.
class Subtrees {
 public:
  static constexpr int kMostShards = 1 << 16;

  // INVALID_ARGUMENT unless `shards` is a power of two, at most kMostShards, and `ranks` from 1 to
  // `shards`.
  static absl::StatusOr<Subtrees> Create(int shards, int ranks);

  // [begin, end): a power of two of them, from a multiple of their number. Rank after rank they
  // cover all shards in order; always the largest subtree was halved, the last of several, so the
  // sizes never grow with the rank and differ by a factor of two at most.
  struct Shards {
    int begin;
    int end;
    friend bool operator==(const Shards&, const Shards&) = default;
  };

  // The sum of the shards from those of `left` on becomes that sum + the one of `right`, in this
  // order.
  struct Addition {
    int left;
    int right;
    friend bool operator==(const Addition&, const Addition&) = default;
  };

  int shards() const { return shards_; }
  int ranks() const { return static_cast<int>(parts_.size()); }
  // REQUIRES: 0 <= rank < ranks().
  Shards of(int rank) const { return parts_[static_cast<size_t>(rank)]; }
  // ranks() - 1 of them, to be done one after the other; the last one leaves the whole sum where
  // rank 0's was.
  std::span<const Addition> additions() const { return additions_; }

 private:
  Subtrees() = default;

  int shards_ = 0;
  std::vector<Shards> parts_;
  std::vector<Addition> additions_;
};

}  // namespace gradus::collective
