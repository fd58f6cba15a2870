// SPDX-License-Identifier: Apache-2.0
// What a training step wants of the processes that compute its batch's other shards.
#pragma once

#include <cstddef>
#include <span>

#include "absl/status/status.h"
#include "engine/base/shards.h"

namespace gradus::plan {

// Each process calls the same functions with the same numbers, step by step.
//   Threads  Add: any of the step's; the others: the step's own.
class StepExchange {
 public:
  virtual ~StepExchange() = default;

  // Which shards each process computes, in their order, without gaps, each an aligned subtree of
  // the tree over all of them; this process's are shares()[place()].
  virtual std::span<const base::ShardRange> shares() const = 0;
  virtual int place() const = 0;

  // A step begins, with this many stretches of gradients.
  virtual void Begin(int stretches) = 0;
  // Stretch `number`, from 0, holds the sum over this process's shards; until Finish returns it is
  // the exchange's.
  virtual void Add(int number, std::span<float> gradients) = 0;
  // Waits until each stretch holds the sum over all shards, added up as the tree says, and `notes`
  // those of all processes, one behind the other, sizes[i] bytes of process i; `own` is this
  // process's.
  //   Errors   the other processes are not to be reached: gradients and notes hold anything.
  virtual absl::Status Finish(std::span<const std::byte> own, std::span<const size_t> sizes,
                              std::span<std::byte> notes) = 0;
};

}  // namespace gradus::plan
