// SPDX-License-Identifier: Apache-2.0
// The orthonormal factor of a matrix.
#pragma once

#include <vector>

namespace gradus::initializers {

// Replaces a matrix by the factor Q of its factors Q * R, where R's diagonal is positive, which
// makes them unique; where a column depends on those before it, by some orthonormal completion.
//   Shapes   columns: as many as the matrix has, each of its height; no fewer rows than columns.
//   Source   Householder 1958; the signs: Mezzadri 2007, sec. 5.
void MakeOrthonormal(std::vector<std::vector<double>>& columns);

}  // namespace gradus::initializers
