// SPDX-License-Identifier: Apache-2.0
// Tensors of ONNX files, checked.
#include "engine/formats/onnx/tensor_reader.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/shape.h"
#include "engine/base/status.h"
#include "onnx/onnx_pb.h"

namespace gradus::onnx {
namespace {

using ::onnx::TensorProto;

static_assert(std::endian::native == std::endian::little, "raw_data is little endian");

float FromBrainFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16U); }

// IEEE 754's 16 bits: 5 of exponent, 10 of fraction.
float FromHalf(uint16_t bits) {
  const int exponent = bits >> 10U & 0x1F;
  const auto fraction = static_cast<float>(bits & 0x3FFU);
  float size = 0;
  if (exponent == 0) {
    size = std::ldexp(fraction, -24);
  } else if (exponent == 0x1F) {
    size = fraction == 0 ? INFINITY : NAN;
  } else {
    size = std::ldexp(1024 + fraction, exponent - 25);
  }
  return (bits & 0x8000U) != 0 ? -size : size;
}

absl::Status Mismatch(absl::string_view field, size_t found, int64_t elements) {
  return base::InvalidArgument(field, absl::StrCat(found, " values"),
                               absl::StrCat("what the shape says: ", elements));
}

// The values as they lie in the file, of type Stored, or else in `list`.
template <typename Stored, typename Number, typename List, typename Convert>
absl::StatusOr<std::vector<Number>> Values(const TensorProto& tensor, int64_t elements,
                                           const List& list, const char* field, Convert convert) {
  const auto count = static_cast<size_t>(elements);
  std::vector<Number> values;
  if (tensor.has_raw_data()) {
    const std::string& raw = tensor.raw_data();
    if (raw.size() % sizeof(Stored) != 0 || raw.size() / sizeof(Stored) != count)
      return Mismatch("raw_data", raw.size() / sizeof(Stored), elements);
    values.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      Stored stored{};
      std::memcpy(&stored, raw.data() + i * sizeof(Stored), sizeof(Stored));
      values.push_back(convert(stored));
    }
    return values;
  }
  if (static_cast<size_t>(list.size()) != count)
    return Mismatch(field, static_cast<size_t>(list.size()), elements);
  values.reserve(count);
  for (const auto value : list) values.push_back(convert(static_cast<Stored>(value)));
  return values;
}

template <typename Stored, typename List, typename Convert>
absl::StatusOr<Constant> Floats(const TensorProto& tensor, const base::Shape& shape,
                                const List& list, const char* field, Convert convert) {
  ASSIGN_OR_RETURN(std::vector<float> values,
                   Values<Stored, float>(tensor, shape.elements(), list, field, convert));
  return Constant{{shape.dims().begin(), shape.dims().end()}, std::move(values)};
}

template <typename Stored, typename List>
absl::StatusOr<Constant> Integers(const TensorProto& tensor, const base::Shape& shape,
                                  const List& list, const char* field) {
  const auto convert = [](Stored value) { return static_cast<int64_t>(value); };
  ASSIGN_OR_RETURN(std::vector<int64_t> values,
                   (Values<Stored, int64_t>(tensor, shape.elements(), list, field, convert)));
  return Constant{{shape.dims().begin(), shape.dims().end()}, std::move(values)};
}

absl::StatusOr<Constant> ReadValues(const TensorProto& tensor, const base::Shape& shape) {
  const auto narrowed = [](double value) { return static_cast<float>(value); };
  switch (tensor.data_type()) {
    case TensorProto::FLOAT:
      return Floats<float>(tensor, shape, tensor.float_data(), "float_data",
                           [](float value) { return value; });
    case TensorProto::DOUBLE:
      return Floats<double>(tensor, shape, tensor.double_data(), "double_data", narrowed);
    case TensorProto::FLOAT16:
      return Floats<uint16_t>(tensor, shape, tensor.int32_data(), "int32_data", FromHalf);
    case TensorProto::BFLOAT16:
      return Floats<uint16_t>(tensor, shape, tensor.int32_data(), "int32_data", FromBrainFloat);
    case TensorProto::INT64:
      return Integers<int64_t>(tensor, shape, tensor.int64_data(), "int64_data");
    case TensorProto::INT32:
      return Integers<int32_t>(tensor, shape, tensor.int32_data(), "int32_data");
    case TensorProto::BOOL:
      return Integers<uint8_t>(tensor, shape, tensor.int32_data(), "int32_data");
    default:
      return base::InvalidArgument(
          "data_type", absl::StrCat(tensor.data_type()),
          "a type that is read: FLOAT, DOUBLE, FLOAT16, BFLOAT16, INT64, INT32 or BOOL");
  }
}

}  // namespace

absl::StatusOr<Constant> ReadTensor(const TensorProto& tensor) {
  if (tensor.data_location() == TensorProto::EXTERNAL || tensor.external_data_size() > 0) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, "external_data",
                            "values in other files are never read; save the model as one file");
  }
  if (tensor.has_segment())
    return base::FieldError(absl::StatusCode::kInvalidArgument, "segment",
                            "a tensor in pieces is not read");
  if (tensor.dims_size() > kMostAxes)
    return base::InvalidArgument("dims", absl::StrCat(tensor.dims_size(), " axes"),
                                 absl::StrCat("a shape of at most ", kMostAxes));
  const absl::StatusOr<base::Shape> shape =
      base::Shape::Create({tensor.dims().data(), static_cast<size_t>(tensor.dims_size())});
  RETURN_IF_ERROR(base::InField(shape.status(), "dims"));
  return ReadValues(tensor, *shape);
}

}  // namespace gradus::onnx
