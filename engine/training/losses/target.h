// SPDX-License-Identifier: Apache-2.0
// What a loss compares the model's output with.
#pragma once

#include <cstdint>

namespace gradus::losses {

enum class TargetForm {
  // One int32_t a row: a class number, 0 to `classes` - 1.
  kClass,
  // `width` floats a row; labels that are class numbers become one-hot rows of `width`.
  kDistribution,
  // `width` floats a row, as stored.
  kValues,
};

struct Target {
  TargetForm form = TargetForm::kClass;
  // Numbers a row: 1 for kClass.
  int64_t width = 1;
  // For kClass and for class numbers given to kDistribution: how many there are.
  int64_t classes = 0;
  // For kValues: each must lie in [0, 1].
  bool probabilities = false;
  // The output is compared with them, value by value or by its classes.
  bool compared = true;
};

// Bytes of one row: an int32_t for kClass, else floats.
inline int64_t RowBytes(const Target& target) {
  const bool is_class = target.form == TargetForm::kClass;
  return target.width * static_cast<int64_t>(is_class ? sizeof(int32_t) : sizeof(float));
}

}  // namespace gradus::losses
