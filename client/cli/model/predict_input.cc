// SPDX-License-Identifier: Apache-2.0
#include "client/cli/model/predict_input.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Value;
using Tensor = inference::ModelMetadataResponse::TensorMetadata;

constexpr size_t kShownBytes = 40;

std::string Shown(absl::string_view text) {
  return support::Printable(support::CutUtf8(text, kShownBytes), true);
}

int64_t RowValues(const Tensor& tensor) {
  int64_t values = 1;
  for (int i = 1; i < tensor.shape_size(); ++i) {
    // No file has so many.
    if (__builtin_mul_overflow(values, std::max<int64_t>(tensor.shape(i), 1), &values))
      return INT64_MAX;
  }
  return values;
}

std::string Described(const Tensor& tensor) {
  const auto shape =
      absl::MakeConstSpan(tensor.shape().data(), static_cast<size_t>(tensor.shape_size()));
  return absl::StrCat("\"", Shown(tensor.name()), "\" takes rows of ",
                      absl::StrJoin(shape.empty() ? shape : shape.subspan(1), " x "), " values");
}

// So many rows of `tensor`, all of whose values are there.
absl::StatusOr<PredictInput> InputOf(const Tensor& tensor, int64_t rows,
                                     std::vector<float> values) {
  const auto count = static_cast<int64_t>(values.size());
  if (rows < 1 || count % rows != 0 || count / rows != RowValues(tensor)) {
    return absl::InvalidArgumentError(
        absl::StrCat(count, " values in ", rows, " rows, but ", Described(tensor)));
  }
  PredictInput input{.name = tensor.name(), .shape = {rows}, .values = std::move(values)};
  for (int i = 1; i < tensor.shape_size(); ++i) input.shape.push_back(tensor.shape(i));
  return input;
}

absl::StatusOr<const Tensor*> OnlyInput(const inference::ModelMetadataResponse& model) {
  if (model.inputs_size() == 1) return &model.inputs(0);
  return absl::InvalidArgumentError(
      absl::StrCat("the model has ", model.inputs_size(),
                   " inputs: write them as JSON, {\"inputs\": [{\"name\": ..., \"data\": ...}]}"));
}

absl::Status Flatten(const ListValue& list, std::vector<float>* values) {
  for (const Value& value : list.values()) {
    if (value.has_number_value()) {
      values->push_back(static_cast<float>(value.number_value()));
    } else if (value.has_bool_value()) {
      values->push_back(value.bool_value() ? 1 : 0);
    } else if (value.has_list_value()) {
      RETURN_IF_ERROR(Flatten(value.list_value(), values));
    } else {
      return absl::InvalidArgumentError("a list of rows holds what is no number and no list");
    }
  }
  return absl::OkStatus();
}

// Whether its lists beside each other are of one length, at every depth.
bool IsRegular(const ListValue& list) {
  return std::all_of(list.values().begin(), list.values().end(), [&](const Value& value) {
    return value.has_list_value() == list.values(0).has_list_value() &&
           value.list_value().values_size() == list.values(0).list_value().values_size() &&
           IsRegular(value.list_value());
  });
}

// A row by itself may stand for a list of one, and all values for their rows.
absl::StatusOr<PredictInput> FromList(const ListValue& list, const Tensor& tensor) {
  std::vector<float> values;
  const int64_t width = RowValues(tensor);
  const bool flat = std::none_of(list.values().begin(), list.values().end(),
                                 [](const Value& value) { return value.has_list_value(); });
  if (flat) {
    RETURN_IF_ERROR(Flatten(list, &values));
    const auto count = static_cast<int64_t>(values.size());
    const int64_t rows = count % width == 0 ? count / width : list.values_size();
    return InputOf(tensor, rows, std::move(values));
  }
  for (int row = 0; row < list.values_size(); ++row) {
    const ListValue& cells = list.values(row).list_value();
    const size_t before = values.size();
    RETURN_IF_ERROR(Flatten(cells, &values));
    const auto count = static_cast<int64_t>(values.size() - before);
    if (count != width)
      return absl::InvalidArgumentError(
          absl::StrCat("row ", row, " has ", count, " values, but ", Described(tensor)));
    if (!IsRegular(cells))
      return absl::InvalidArgumentError(absl::StrCat("row ", row, " has lists of several lengths"));
  }
  return InputOf(tensor, list.values_size(), std::move(values));
}

// One of {"inputs": [...]}.
absl::StatusOr<PredictInput> FromObject(const google::protobuf::Struct& object,
                                        const inference::ModelMetadataResponse& model) {
  const auto name = object.fields().find("name");
  const auto data = object.fields().find("data");
  const auto shape = object.fields().find("shape");
  if (data == object.fields().end() || !data->second.has_list_value())
    return absl::InvalidArgumentError("each of \"inputs\" has \"data\", a list");
  const std::string& wanted =
      name == object.fields().end() ? model.inputs(0).name() : name->second.string_value();
  for (const Tensor& tensor : model.inputs()) {
    if (tensor.name() != wanted) continue;
    if (shape == object.fields().end()) return FromList(data->second.list_value(), tensor);
    std::vector<float> dimensions;
    RETURN_IF_ERROR(Flatten(shape->second.list_value(), &dimensions));
    bool same = static_cast<int>(dimensions.size()) == tensor.shape_size();
    for (int i = 1; same && i < tensor.shape_size(); ++i)
      same = dimensions[static_cast<size_t>(i)] == static_cast<float>(tensor.shape(i));
    if (!same)
      return absl::InvalidArgumentError(
          absl::StrCat("the shape [", absl::StrJoin(dimensions, ", "),
                       "] is none of the model's: ", Described(tensor)));
    ASSIGN_OR_RETURN(PredictInput input, FromList(data->second.list_value(), tensor));
    if (dimensions.empty() || dimensions[0] != static_cast<float>(input.shape[0]))
      return absl::InvalidArgumentError(absl::StrCat("the shape [", absl::StrJoin(dimensions, ", "),
                                                     "] is not that of ", input.shape[0], " rows"));
    return input;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the model has no input \"", Shown(wanted), "\", only ",
                   absl::StrJoin(model.inputs(), ", ", [](std::string* out, const Tensor& tensor) {
                     absl::StrAppend(out, "\"", Shown(tensor.name()), "\"");
                   })));
}

absl::StatusOr<std::vector<PredictInput>> FromJson(absl::string_view text,
                                                   const inference::ModelMetadataResponse& model) {
  Value root;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(text.data(), text.size()), &root);
  if (!parsed.ok())
    return absl::InvalidArgumentError(
        absl::StrCat("this is no JSON: ", Shown(parsed.message().ToString())));
  std::vector<PredictInput> inputs;
  if (root.has_list_value()) {
    ASSIGN_OR_RETURN(const Tensor* only, OnlyInput(model));
    ASSIGN_OR_RETURN(PredictInput input, FromList(root.list_value(), *only));
    inputs.push_back(std::move(input));
    return inputs;
  }
  const auto listed = root.struct_value().fields().find("inputs");
  if (listed == root.struct_value().fields().end() || !listed->second.has_list_value())
    return absl::InvalidArgumentError("JSON is a list of rows, or has the list \"inputs\"");
  for (const Value& object : listed->second.list_value().values()) {
    ASSIGN_OR_RETURN(PredictInput input, FromObject(object.struct_value(), model));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

absl::StatusOr<PredictInput> FromCsv(absl::string_view text, const Tensor& tensor) {
  std::vector<float> values;
  int64_t rows = 0;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    const size_t before = values.size();
    absl::Status bad;
    for (const absl::string_view word :
         absl::StrSplit(line, absl::ByAnyChar(",; \t"), absl::SkipEmpty())) {
      float value = 0;
      if (absl::SimpleAtof(word, &value)) {
        values.push_back(value);
      } else if (bad.ok()) {
        bad = absl::InvalidArgumentError(
            absl::StrCat("line ", line_number, ": \"", Shown(word), "\" is not a number"));
      }
    }
    if (!bad.ok() && rows == 0 && values.empty()) continue;  // the title
    RETURN_IF_ERROR(bad);
    const auto count = static_cast<int64_t>(values.size() - before);
    if (count != RowValues(tensor))
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line_number, " has ", count, " values, but ", Described(tensor)));
    ++rows;
  }
  return InputOf(tensor, rows, std::move(values));
}

// Big endian, as IDX has it.
template <typename Bits, typename T>
void FromBigEndian(absl::string_view bytes, std::vector<float>* values) {
  for (size_t at = 0; at + sizeof(Bits) <= bytes.size(); at += sizeof(Bits)) {
    Bits bits = 0;
    for (size_t i = 0; i < sizeof(Bits); ++i)
      bits = static_cast<Bits>((static_cast<uint64_t>(bits) << 8) |
                               static_cast<unsigned char>(bytes[at + i]));
    values->push_back(static_cast<float>(std::bit_cast<T>(bits)));
  }
}

absl::StatusOr<PredictInput> FromIdx(absl::string_view text, const Tensor& tensor) {
  constexpr size_t kPrefix = 4, kDimension = 4;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const size_t header = text.size() < kPrefix ? 0 : kPrefix + kDimension * byte(3);
  if (header <= kPrefix || text.size() < header)
    return absl::InvalidArgumentError("the IDX file ends within its header");
  const int64_t rows = (int64_t{byte(4)} << 24) | (byte(5) << 16) | (byte(6) << 8) | byte(7);
  const absl::string_view data = text.substr(header);
  std::vector<float> values;
  switch (byte(2)) {
    case 0x08:
      FromBigEndian<uint8_t, uint8_t>(data, &values);
      break;
    case 0x09:
      FromBigEndian<uint8_t, int8_t>(data, &values);
      break;
    case 0x0B:
      FromBigEndian<uint16_t, int16_t>(data, &values);
      break;
    case 0x0C:
      FromBigEndian<uint32_t, int32_t>(data, &values);
      break;
    case 0x0D:
      FromBigEndian<uint32_t, float>(data, &values);
      break;
    case 0x0E:
      FromBigEndian<uint64_t, double>(data, &values);
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("the IDX file has values of the unknown type ", byte(2)));
  }
  return InputOf(tensor, rows, std::move(values));
}

}  // namespace

absl::StatusOr<std::vector<PredictInput>> ParsePredictInput(
    absl::string_view text, const inference::ModelMetadataResponse& model) {
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(text);
  if (!start.empty() && (start[0] == '{' || start[0] == '[')) return FromJson(text, model);
  if (text.size() >= 2 && text[0] == '\x1f' && text[1] == '\x8b')
    return absl::InvalidArgumentError("this is compressed: unpack it first, with gunzip");
  ASSIGN_OR_RETURN(const Tensor* only, OnlyInput(model));
  const bool idx = text.size() >= 2 && text[0] == '\0' && text[1] == '\0';
  ASSIGN_OR_RETURN(PredictInput input, idx ? FromIdx(text, *only) : FromCsv(text, *only));
  return std::vector<PredictInput>{std::move(input)};
}

}  // namespace gradus::cli
