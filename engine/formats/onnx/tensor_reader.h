// SPDX-License-Identifier: Apache-2.0
// Tensors of ONNX files, checked.
#pragma once

#include "absl/status/statusor.h"
#include "engine/formats/onnx/constant.h"

namespace onnx {
class TensorProto;
}

namespace gradus::onnx {

// Axes of a tensor, and of an input.
inline constexpr int kMostAxes = 8;

//   Errors  INVALID_ARGUMENT below "dims", "data_type", ...: values that lie outside the file, a type
//           that is none of f32, f64, f16, bf16, int64, int32 and bool, another number of values
//           than the shape says. Nothing is allocated before all of this is known.
absl::StatusOr<Constant> ReadTensor(const ::onnx::TensorProto& tensor);

}  // namespace gradus::onnx
