// SPDX-License-Identifier: Apache-2.0
// The Python dictionary in an NPY header, as text that nobody vouches for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus::formats {

// What the dictionary says; nothing is checked across its entries.
struct NpyLiteral {
  std::string descr;
  bool fortran_order = false;
  std::vector<int64_t> shape;
};

// Reads {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }: each key once, in any order,
// strings in either quotes and without escapes, the last comma where Python wants or allows it, a
// number with the L of Python 2 perhaps, white space between all of these.
//   Errors  INVALID_ARGUMENT with the place in the text for anything else, records among them.
absl::StatusOr<NpyLiteral> ParseNpyLiteral(std::string_view text);

}  // namespace gradus::formats
