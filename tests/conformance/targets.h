// SPDX-License-Identifier: Apache-2.0
// Targets of any form, for any loss.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/training/losses/kind.h"
#include "engine/training/losses/target.h"

namespace gradus::conformance {

struct Targets {
  losses::Target form;
  // One of the two, as `form` says.
  std::vector<int32_t> classes;
  std::vector<float> values;

  const void* data() const {
    return classes.empty() ? static_cast<const void*>(values.data()) : classes.data();
  }
  // One row as the references take it.
  std::vector<double> Row(int64_t row) const;
  // From row `first` on.
  const void* From(int64_t first) const;
};

// Class numbers; distributions, every other one with all on one class; numbers, every other row
// whole ones where the loss scores yes and no.
Targets DrawTargets(const losses::Target& form, losses::Scoring scoring, int64_t rows,
                    uint32_t stream);

}  // namespace gradus::conformance
