// SPDX-License-Identifier: Apache-2.0
// A stretch of an operand as an operand of its own.
#pragma once

#include <cstddef>
#include <memory>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"

namespace gradus::kernels {

// Bytes of a block that another one may follow.
inline size_t WholeLines(size_t bytes) { return (bytes + 63) / 64 * 64; }

// `offset` bytes into `whole`. Adds a kernel that finds the place anew each time; those that use
// the cell must come after it, in the same list.
inline Cell AppendPart(Cell whole, size_t offset, Kernels& kernels) {
  auto place = std::make_shared<void*>(nullptr);
  const Cell cell = place.get();
  kernels.push_back(MakeKernel(absl::StrCat("part at ", offset), [place, whole, offset] {
    *place = static_cast<std::byte*>(*whole) + offset;
  }));
  return cell;
}

}  // namespace gradus::kernels
