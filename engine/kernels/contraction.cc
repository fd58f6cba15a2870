// SPDX-License-Identifier: Apache-2.0
// Contraction: plain loops over rows, sums in double.
#include "engine/kernels/contraction.h"

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

// 1 / length of what is normalized, at most: Keras's epsilon.
constexpr double kMostInverse = 1e7;

// A row as a matrix of vectors along the axis.
struct Side {
  // Where each vector begins.
  std::vector<size_t> begins;
  size_t extent;
  size_t stride;
  size_t values;

  explicit Side(const ContractedAxis& axis)
      : extent(static_cast<size_t>(axis.extent)), stride(static_cast<size_t>(axis.behind)) {
    const auto before = static_cast<size_t>(axis.before);
    for (size_t i = 0; i < before; ++i) {
      for (size_t j = 0; j < stride; ++j) begins.push_back(i * extent * stride + j);
    }
    values = before * extent * stride;
  }
  size_t vectors() const { return begins.size(); }
  double Square(const float* row, size_t vector) const {
    double sum = 0;
    for (size_t c = 0; c < extent; ++c) {
      const auto x = static_cast<double>(row[begins[vector] + c * stride]);
      sum += x * x;
    }
    return sum;
  }
};

// A NaN is not less.
double InverseLength(double square) {
  const double inverse = 1 / std::sqrt(square);
  return inverse > kMostInverse ? kMostInverse : inverse;
}

struct Contraction {
  Side first;
  Side second;
  bool normalize;
  size_t dst_values() const { return first.vectors() * second.vectors(); }

  // dst(i, j) becomes dst(i, j) / (|x_i| |y_j|).
  void Normalize(const float* x, const float* y, float* dst) const {
    for (size_t i = 0; i < first.vectors(); ++i) {
      const auto inverse = static_cast<float>(InverseLength(first.Square(x, i)));
      for (size_t j = 0; j < second.vectors(); ++j) dst[i * second.vectors() + j] *= inverse;
    }
    for (size_t j = 0; j < second.vectors(); ++j) {
      const auto inverse = static_cast<float>(InverseLength(second.Square(y, j)));
      for (size_t i = 0; i < first.vectors(); ++i) dst[i * second.vectors() + j] *= inverse;
    }
  }

  void Forward(const float* x, const float* y, float* dst) const {
    for (size_t i = 0; i < first.vectors(); ++i) {
      for (size_t j = 0; j < second.vectors(); ++j) {
        double sum = 0;
        for (size_t c = 0; c < first.extent; ++c) {
          sum += static_cast<double>(x[first.begins[i] + c * first.stride]) *
                 static_cast<double>(y[second.begins[j] + c * second.stride]);
        }
        dst[i * second.vectors() + j] = static_cast<float>(sum);
      }
    }
    if (normalize) Normalize(x, y, dst);
  }

  // The gradient of one side out of the other: diff(i, j) lies at i * i_step + j * j_step.
  // `diff` is already divided by both lengths where they are normalized.
  void Backward(const Side& mine, const Side& other, size_t i_step, size_t j_step, const float* x,
                const float* y, const float* diff, float* diff_x) const {
    for (size_t i = 0; i < mine.vectors(); ++i) {
      for (size_t c = 0; c < mine.extent; ++c) {
        double sum = 0;
        for (size_t j = 0; j < other.vectors(); ++j) {
          sum += static_cast<double>(diff[i * i_step + j * j_step]) *
                 static_cast<double>(y[other.begins[j] + c * other.stride]);
        }
        diff_x[mine.begins[i] + c * mine.stride] = static_cast<float>(sum);
      }
      if (normalize) Project(mine, i, x, diff_x);
    }
  }

  // Takes away what would only change the vector's length.
  static void Project(const Side& side, size_t vector, const float* x, float* diff) {
    const double square = side.Square(x, vector);
    if (1 / std::sqrt(square) > kMostInverse) return;
    const size_t begin = side.begins[vector];
    double along = 0;
    for (size_t c = 0; c < side.extent; ++c) {
      along += static_cast<double>(x[begin + c * side.stride]) *
               static_cast<double>(diff[begin + c * side.stride]);
    }
    for (size_t c = 0; c < side.extent; ++c) {
      const size_t at = begin + c * side.stride;
      diff[at] -= static_cast<float>(static_cast<double>(x[at]) * (along / square));
    }
  }
};

// Calls run(row) for all rows, on threads.
template <typename Run>
void ForEachRow(const Contraction& c, const Setting& setting, Run run) {
  const size_t work = c.dst_values() * c.first.extent;
  ParallelRanges(setting.threads, static_cast<size_t>(setting.rows) * work, work,
                 [&](size_t begin, size_t end) {
                   for (size_t row = begin / work; row < end / work; ++row) run(row);
                 });
}

void RunForward(const Contraction& c, const Setting& setting, const Operands& o) {
  ForEachRow(c, setting, [&](size_t row) {
    c.Forward(Floats(o.srcs[0]) + row * c.first.values, Floats(o.srcs[1]) + row * c.second.values,
              Floats(o.dst) + row * c.dst_values());
  });
}

void RunBackward(const Contraction& c, const Setting& setting, const Operands& o) {
  ForEachRow(c, setting, [&](size_t row) {
    const float* x = Floats(o.srcs[0]) + row * c.first.values;
    const float* y = Floats(o.srcs[1]) + row * c.second.values;
    float* diff = Floats(o.diff_dst) + row * c.dst_values();
    if (c.normalize) c.Normalize(x, y, diff);
    const size_t width = c.second.vectors();
    if (o.diff_srcs[0] != nullptr) {
      c.Backward(c.first, c.second, width, 1, x, y, diff,
                 Floats(o.diff_srcs[0]) + row * c.first.values);
    }
    if (o.diff_srcs[1] != nullptr) {
      c.Backward(c.second, c.first, 1, width, y, x, diff,
                 Floats(o.diff_srcs[1]) + row * c.second.values);
    }
  });
}

CompiledParts Compile(const std::shared_ptr<const Contraction>& contraction,
                      const Setting& setting) {
  const std::string details =
      absl::StrCat(setting.rows, "x", contraction->first.vectors(), "x", contraction->first.extent,
                   "x", contraction->second.vectors(), contraction->normalize ? " normalized" : "");
  CompiledParts parts;
  parts.forward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    return OneKernel("contraction_forward " + details,
                     [contraction, setting, o] { RunForward(*contraction, setting, o); });
  };
  parts.backward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    if (o.diff_srcs[0] == nullptr && o.diff_srcs[1] == nullptr) return Kernels{};
    return OneKernel("contraction_backward " + details,
                     [contraction, setting, o] { RunBackward(*contraction, setting, o); });
  };
  return parts;
}

}  // namespace

std::unique_ptr<const Operation> MakeContraction(const ContractedAxis& first,
                                                 const ContractedAxis& second, bool normalize) {
  auto contraction = std::make_shared<const Contraction>(
      Contraction{.first = Side(first), .second = Side(second), .normalize = normalize});
  OperationFacts facts{.name = absl::StrCat("contraction ", first.extent),
                       .dst_values = static_cast<int64_t>(contraction->dst_values()),
                       .reads_src = ReadsSrc::kAlways};
  return MakeOperation(
      std::move(facts),
      [contraction = std::move(contraction)](const Setting& setting, const Layouts&)
          -> absl::StatusOr<CompiledParts> { return Compile(contraction, setting); });
}

}  // namespace gradus::kernels
