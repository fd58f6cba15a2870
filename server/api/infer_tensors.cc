// SPDX-License-Identifier: Apache-2.0
#include "server/api/infer_tensors.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "engine/base/checked.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "server/serving/pool.h"

namespace gradus::api {
namespace {

using Contents = inference::InferTensorContents;
using Input = inference::ModelInferRequest::InferInputTensor;

// A reply may have 4 MiB; this leaves room for what is not values.
constexpr int64_t kMostOutputBytes = (int64_t{4} << 20) - (int64_t{64} << 10);
constexpr int64_t kFloatBytes = sizeof(float);
// Of a shape, so many extents are shown.
constexpr size_t kShownExtents = 16;
// What an input may be called that is the only one, as columns of datasets are.
constexpr char kOnlyInput[] = "x";

template <typename T>
std::vector<float> FromBytes(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<float>(value);
  }
  return values;
}

// A client's true may be any byte but 0.
std::vector<float> FromBools(const std::string& bytes) {
  std::vector<float> values(bytes.size());
  for (size_t i = 0; i < values.size(); ++i) values[i] = bytes[i] != 0 ? 1 : 0;
  return values;
}

template <typename List>
std::vector<float> FromList(const List& list) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(list.size()));
  for (const auto value : list) values.push_back(static_cast<float>(value));
  return values;
}

struct Datatype {
  absl::string_view name;
  size_t bytes;
  std::vector<float> (*from_bytes)(const std::string&);
  std::vector<float> (*from_contents)(const Contents&);
  // What its list of a wider type may hold.
  float least = -std::numeric_limits<float>::infinity();
  float most = std::numeric_limits<float>::infinity();
};

constexpr std::array<Datatype, 11> kDatatypes = {{
    {"FP32", 4, FromBytes<float>, [](const Contents& c) { return FromList(c.fp32_contents()); }},
    {"FP64", 8, FromBytes<double>, [](const Contents& c) { return FromList(c.fp64_contents()); }},
    {"INT8", 1, FromBytes<int8_t>, [](const Contents& c) { return FromList(c.int_contents()); },
     INT8_MIN, INT8_MAX},
    {"INT16", 2, FromBytes<int16_t>, [](const Contents& c) { return FromList(c.int_contents()); },
     INT16_MIN, INT16_MAX},
    {"INT32", 4, FromBytes<int32_t>, [](const Contents& c) { return FromList(c.int_contents()); }},
    {"INT64", 8, FromBytes<int64_t>,
     [](const Contents& c) { return FromList(c.int64_contents()); }},
    {"UINT8", 1, FromBytes<uint8_t>, [](const Contents& c) { return FromList(c.uint_contents()); },
     0, UINT8_MAX},
    {"UINT16", 2, FromBytes<uint16_t>,
     [](const Contents& c) { return FromList(c.uint_contents()); }, 0, UINT16_MAX},
    {"UINT32", 4, FromBytes<uint32_t>,
     [](const Contents& c) { return FromList(c.uint_contents()); }},
    {"UINT64", 8, FromBytes<uint64_t>,
     [](const Contents& c) { return FromList(c.uint64_contents()); }},
    {"BOOL", 1, FromBools, [](const Contents& c) { return FromList(c.bool_contents()); }},
}};

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", base::Shown(text), "\""); }

std::string NamesOf(const std::vector<SignatureTensor>& tensors) {
  return absl::StrJoin(tensors, ", ", [](std::string* out, const SignatureTensor& tensor) {
    absl::StrAppend(out, Quoted(tensor.name));
  });
}

std::string InputPath(int index, absl::string_view field) {
  return absl::StrCat("inputs[", index, "].", field);
}

absl::StatusOr<const Datatype*> DatatypeOf(const Input& input, int index) {
  for (const Datatype& datatype : kDatatypes) {
    if (datatype.name == input.datatype()) return &datatype;
  }
  return base::InvalidArgument(
      InputPath(index, "datatype"), Quoted(input.datatype()),
      absl::StrJoin(kDatatypes, ", ", [](std::string* out, const Datatype& datatype) {
        absl::StrAppend(out, datatype.name);
      }));
}

std::string ShownShape(std::span<const int64_t> shape) {
  const bool cut = shape.size() > kShownExtents;
  return absl::StrCat("[", absl::StrJoin(cut ? shape.first(kShownExtents) : shape, ", "),
                      cut ? ", ..." : "", "]");
}

// Rows that the shape says.
absl::StatusOr<int64_t> RowsOf(const Input& input, int index, const SignatureTensor& tensor) {
  const std::span<const int64_t> shape(input.shape().data(),
                                       static_cast<size_t>(input.shape_size()));
  if (!shape.empty() && shape[0] >= 1 && std::ranges::equal(shape.subspan(1), tensor.shape))
    return shape[0];
  return base::InvalidArgument(
      InputPath(index, "shape"), ShownShape(shape),
      absl::StrCat("[rows, ", absl::StrJoin(tensor.shape, ", "), "] with a row or more"));
}

// The values, once it is known that there are as many as rows have.
absl::StatusOr<std::vector<float>> ValuesOf(const inference::ModelInferRequest& request, int index,
                                            int64_t rows, const SignatureTensor& tensor) {
  const Input& input = request.inputs(index);
  ASSIGN_OR_RETURN(const Datatype* datatype, DatatypeOf(input, index));
  const absl::StatusOr<int64_t> wanted = base::CheckedMul(rows, tensor.values);
  if (!wanted.ok()) return base::InField(wanted.status(), InputPath(index, "shape"));
  const bool raw = request.raw_input_contents_size() > 0;
  if (raw) {
    const std::string& bytes = request.raw_input_contents(index);
    const absl::StatusOr<int64_t> size =
        base::CheckedMul(*wanted, static_cast<int64_t>(datatype->bytes));
    if (input.has_contents())
      return base::FieldError(absl::StatusCode::kInvalidArgument, InputPath(index, "contents"),
                              "not together with raw_input_contents");
    if (!size.ok() || static_cast<int64_t>(bytes.size()) != *size) {
      return base::InvalidArgument(
          absl::StrCat("raw_input_contents[", index, "]"), absl::StrCat(bytes.size(), " bytes"),
          absl::StrCat("what ", *wanted, " values of ", datatype->name, " take"));
    }
    return datatype->from_bytes(bytes);
  }
  std::vector<float> values = datatype->from_contents(input.contents());
  if (static_cast<int64_t>(values.size()) != *wanted) {
    return base::InvalidArgument(InputPath(index, "contents"),
                                 absl::StrCat(values.size(), " values of ", datatype->name),
                                 absl::StrCat("the ", *wanted, " that its shape says"));
  }
  for (const float value : values) {
    if (value < datatype->least || value > datatype->most) {
      return base::InvalidArgument(InputPath(index, "contents"),
                                   absl::StrCat(value, " as ", datatype->name),
                                   absl::StrCat(datatype->least, " to ", datatype->most));
    }
  }
  return values;
}

// Which of the request's tensors is each of the model's inputs.
absl::StatusOr<std::vector<int>> MatchInputs(const inference::ModelInferRequest& request,
                                             const Signature& signature) {
  std::vector<int> matched(signature.inputs.size(), -1);
  for (int i = 0; i < request.inputs_size(); ++i) {
    const std::string& name = request.inputs(i).name();
    auto found = std::ranges::find(signature.inputs, name, &SignatureTensor::name);
    if (found == signature.inputs.end() && signature.inputs.size() == 1 && name == kOnlyInput)
      found = signature.inputs.begin();
    if (found == signature.inputs.end())
      return base::InvalidArgument(InputPath(i, "name"), Quoted(name),
                                   absl::StrCat("one of ", NamesOf(signature.inputs)));
    int& index = matched[static_cast<size_t>(found - signature.inputs.begin())];
    if (index >= 0)
      return base::FieldError(absl::StatusCode::kInvalidArgument, InputPath(i, "name"),
                              absl::StrCat(Quoted(name), " is there twice"));
    index = i;
  }
  const auto missing = std::ranges::find(matched, -1);
  if (missing == matched.end()) return matched;
  const SignatureTensor& tensor = signature.inputs[static_cast<size_t>(missing - matched.begin())];
  return base::FieldError(absl::StatusCode::kInvalidArgument, "inputs",
                          absl::StrCat("the model's input ", Quoted(tensor.name), " is missing"));
}

absl::StatusOr<std::vector<size_t>> MatchOutputs(const inference::ModelInferRequest& request,
                                                 const Signature& signature) {
  std::vector<size_t> wanted;
  for (int i = 0; i < request.outputs_size(); ++i) {
    const std::string& name = request.outputs(i).name();
    const std::string path = absl::StrCat("outputs[", i, "].name");
    const auto found = std::ranges::find(signature.outputs, name, &SignatureTensor::name);
    if (found == signature.outputs.end())
      return base::InvalidArgument(path, Quoted(name),
                                   absl::StrCat("one of ", NamesOf(signature.outputs)));
    const auto index = static_cast<size_t>(found - signature.outputs.begin());
    if (std::ranges::find(wanted, index) != wanted.end())
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat(Quoted(name), " is there twice"));
    wanted.push_back(index);
  }
  if (!wanted.empty()) return wanted;
  for (size_t i = 0; i < signature.outputs.size(); ++i) wanted.push_back(i);
  return wanted;
}

// Rows whose outputs fit into one reply, those that are not wanted into the model's answer.
int64_t MostRows(const Signature& signature, const std::vector<size_t>& wanted) {
  int64_t values = 0;
  for (const size_t i : wanted) values += signature.outputs[i].values;
  const int64_t all = RowValues(signature.outputs);
  return std::min(kMostOutputBytes / kFloatBytes / std::max<int64_t>(1, values),
                  serving::kMostAnswerBytes / kFloatBytes / std::max<int64_t>(1, all));
}

}  // namespace

absl::StatusOr<InferRows> ReadInferRequest(const inference::ModelInferRequest& request,
                                           const Signature& signature) {
  InferRows read;
  ASSIGN_OR_RETURN(const std::vector<int> matched, MatchInputs(request, signature));
  ASSIGN_OR_RETURN(read.outputs, MatchOutputs(request, signature));
  if (request.raw_input_contents_size() > 0 &&
      request.raw_input_contents_size() != request.inputs_size()) {
    return base::InvalidArgument(
        "raw_input_contents", absl::StrCat(request.raw_input_contents_size(), " entries"),
        absl::StrCat("one for each of the ", request.inputs_size(), " inputs"));
  }
  const int64_t most = MostRows(signature, read.outputs);
  for (size_t i = 0; i < matched.size(); ++i) {
    const SignatureTensor& tensor = signature.inputs[i];
    const Input& input = request.inputs(matched[i]);
    ASSIGN_OR_RETURN(const int64_t rows, RowsOf(input, matched[i], tensor));
    if (i > 0 && rows != read.rows)
      return base::InvalidArgument(InputPath(matched[i], "shape"), absl::StrCat(rows, " rows"),
                                   absl::StrCat("as many as the other inputs have, ", read.rows));
    if (rows > most)
      return base::InvalidArgument(
          InputPath(matched[i], "shape"), absl::StrCat(rows, " rows"),
          absl::StrCat("at most ", most, ", whose outputs fit into one reply"));
    read.rows = rows;
    ASSIGN_OR_RETURN(const std::vector<float> values, ValuesOf(request, matched[i], rows, tensor));
    read.inputs.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  }
  return read;
}

absl::Status FillInferResponse(const inference::ModelInferRequest& request, const InferRows& rows,
                               const Signature& signature, const std::string& values,
                               inference::ModelInferResponse* response) {
  const auto bytes = static_cast<int64_t>(values.size());
  if (bytes != rows.rows * RowValues(signature.outputs) * kFloatBytes)
    return absl::InternalError(absl::StrCat("the model gave ", bytes, " bytes"));
  std::vector<size_t> begin = {0};
  for (const SignatureTensor& tensor : signature.outputs)
    begin.push_back(begin.back() + static_cast<size_t>(rows.rows * tensor.values * kFloatBytes));
  for (const size_t i : rows.outputs) {
    auto& output = *response->add_outputs();
    output.set_name(signature.outputs[i].name);
    output.set_datatype("FP32");
    output.add_shape(rows.rows);
    for (const int64_t dimension : signature.outputs[i].shape) output.add_shape(dimension);
    const size_t size = begin[i + 1] - begin[i];
    if (request.raw_input_contents_size() > 0) {
      response->add_raw_output_contents(values.data() + begin[i], size);
      continue;
    }
    auto& list = *output.mutable_contents()->mutable_fp32_contents();
    list.Resize(static_cast<int>(size / sizeof(float)), 0);
    std::memcpy(list.mutable_data(), values.data() + begin[i], size);
  }
  return absl::OkStatus();
}

}  // namespace gradus::api
