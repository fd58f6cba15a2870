// SPDX-License-Identifier: Apache-2.0
// A multiple of a random orthonormal matrix.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/training/initializers/kind.h"
#include "engine/training/initializers/orthonormal.h"

namespace gradus::initializers {
namespace {

// Longer side times the square of the shorter one: some ten seconds of one core.
constexpr int64_t kMostWork = int64_t{1} << 33;

absl::Status CheckSettings(v1::Initializer& initializer) {
  v1::Orthogonal& spec = *initializer.mutable_orthogonal();
  if (!spec.has_gain()) spec.set_gain(1);
  if (!std::isfinite(static_cast<float>(spec.gain())))
    return base::InvalidArgument("gain", absl::StrCat(spec.gain()), "a finite number");
  return absl::OkStatus();
}

// The weight as a matrix: all axes but the last are rows.
struct Matrix {
  int64_t rows;
  int64_t columns;
};
Matrix MatrixOf(std::span<const int64_t> shape) {
  int64_t rows = 1;
  for (const int64_t extent : shape.first(shape.size() - 1)) rows *= extent;
  return {rows, shape.back()};
}

absl::Status CheckShape(std::span<const int64_t> shape) {
  const std::string shown = absl::StrCat("a weight of shape (", absl::StrJoin(shape, ", "), ")");
  if (shape.size() < 2)
    return absl::InvalidArgumentError(absl::StrCat(shown, " has not two axes or more"));
  const Matrix matrix = MatrixOf(shape);
  int64_t work = 0;
  if (__builtin_mul_overflow(matrix.rows * matrix.columns, std::min(matrix.rows, matrix.columns),
                             &work) ||
      work > kMostWork) {
    return absl::InvalidArgumentError(absl::StrCat(
        shown, " is too large: as a matrix of ", matrix.rows, " by ", matrix.columns,
        ", its longer side times the square of the shorter one is more than ", kMostWork));
  }
  return absl::OkStatus();
}

void Draw(const v1::Initializer& spec, const Drawn& weight, const base::RandomKey& key,
          std::span<float> dst) {
  const Matrix matrix = MatrixOf(weight.shape);
  const bool wide = matrix.rows < matrix.columns;
  const auto longer = static_cast<size_t>(wide ? matrix.columns : matrix.rows);
  const auto shorter = static_cast<size_t>(wide ? matrix.rows : matrix.columns);
  // Normal numbers prefer no direction.
  base::FillNormal(key, 0, 0, 1, dst);
  std::vector<std::vector<double>> columns(shorter, std::vector<double>(longer));
  for (size_t i = 0; i < longer; ++i) {
    for (size_t j = 0; j < shorter; ++j) columns[j][i] = static_cast<double>(dst[i * shorter + j]);
  }
  MakeOrthonormal(columns);
  for (size_t i = 0; i < longer; ++i) {
    for (size_t j = 0; j < shorter; ++j) {
      dst[wide ? j * longer + i : i * shorter + j] =
          static_cast<float>(spec.orthogonal().gain() * columns[j][i]);
    }
  }
}

Moments Reference(const v1::Initializer& spec, const Drawn& weight) {
  const Matrix matrix = MatrixOf(weight.shape);
  const double gain = spec.orthogonal().gain();
  // The squares along the longer side add up to 1. The draws are f32.
  const double variance = gain * gain / static_cast<double>(std::max(matrix.rows, matrix.columns));
  const double limit = std::abs(gain) * (1 + 1e-6);
  return {.mean = 0, .variance = variance, .low = -limit, .high = limit};
}

std::vector<v1::Initializer> Samples() {
  v1::Initializer plain;
  plain.mutable_orthogonal();
  v1::Initializer set;
  set.mutable_orthogonal()->set_gain(1.5);
  return {plain, set};
}

}  // namespace

extern const InitializerKind orthogonal_kind;
constinit const InitializerKind orthogonal_kind = {
    .field = v1::Initializer::kOrthogonal,
    .documentation =
        "`gain` times a matrix of orthonormal rows or columns, whichever are fewer, "
        "drawn uniformly among those.",
    .source = "Saxe, McClelland, Ganguli 2014",
    .check = CheckSettings,
    .draw = Draw,
    .reference = Reference,
    .samples = Samples,
    .check_shape = CheckShape,
};

}  // namespace gradus::initializers
