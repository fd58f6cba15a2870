// SPDX-License-Identifier: Apache-2.0
// What holds for every kind of group; each rank runs the same function at the same time.
#pragma once

#include <ostream>
#include <span>

#include "engine/collective/group.h"

namespace gradus::collective {

struct GroupProperty {
  const char* name;
  void (*run)(Group& group);
};

// That leave the group as good as it was.
std::span<const GroupProperty> GroupProperties();
// After which it is of no more use.
std::span<const GroupProperty> LastProperties();

inline void PrintTo(const GroupProperty& property, std::ostream* out) { *out << property.name; }

}  // namespace gradus::collective
