// SPDX-License-Identifier: Apache-2.0
// How a dense kernel (inputs, units) lies in panels: stripes of columns, one after another, each in
// C order, so that a product walks memory forward.
#pragma once

#include <cstdint>

namespace gradus::kernels {

// Stripes are three vectors wide, the last as narrow as whole vectors allow; columns beyond `units`
// are zero.
struct Panels {
  int64_t inputs = 0;
  int64_t units = 0;
  int64_t lanes = 1;

  int64_t stripe() const { return 3 * lanes; }
  int64_t padded_units() const { return (units + lanes - 1) / lanes * lanes; }
  int64_t count() const { return (padded_units() + stripe() - 1) / stripe(); }
  int64_t width(int64_t panel) const {
    const int64_t left = padded_units() - panel * stripe();
    return left < stripe() ? left : stripe();
  }
  int64_t offset(int64_t panel) const { return panel * stripe() * inputs; }
  int64_t floats() const { return inputs * padded_units(); }
  // Where (input, unit) lies.
  int64_t At(int64_t input, int64_t unit) const {
    const int64_t panel = unit / stripe();
    return offset(panel) + input * width(panel) + unit % stripe();
  }
};

}  // namespace gradus::kernels
