// SPDX-License-Identifier: Apache-2.0
#include "gradus/predict.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus {
namespace {

// What a server takes and sends in one message, with room for what is not values.
constexpr int64_t kMostRequestBytes = int64_t{1000} << 10;
constexpr int64_t kMostReplyBytes = int64_t{3500} << 10;
constexpr int64_t kFloatBytes = sizeof(float);
// A list of a message has no more.
constexpr size_t kMostValues = std::numeric_limits<int>::max();

// Values of a row; nothing where shape and values are at odds.
absl::StatusOr<int64_t> RowValues(const PredictInput& input, int64_t rows) {
  int64_t values = 1;
  for (size_t i = 1; i < input.shape.size(); ++i) {
    if (input.shape[i] < 1 || __builtin_mul_overflow(values, input.shape[i], &values))
      return support::FieldError(input.name, "its shape has no values");
  }
  const auto count = static_cast<int64_t>(input.values.size());
  if (input.shape.empty() || input.shape[0] != rows || rows < 1 || count % rows != 0 ||
      count / rows != values) {
    return support::FieldError(input.name,
                               absl::StrCat(count, " values are not ", rows, " rows of ", values));
  }
  return values;
}

int64_t ReplyRowBytes(const inference::ModelMetadataResponse& model) {
  int64_t bytes = 0;
  for (const auto& output : model.outputs()) {
    int64_t values = kFloatBytes;
    for (const int64_t dimension : output.shape()) {
      // So wide that rows go one by one, whatever it is exactly.
      if (__builtin_mul_overflow(values, std::max<int64_t>(dimension, 1), &values) ||
          values > kMostReplyBytes)
        return kMostReplyBytes;
    }
    bytes += values;
  }
  return std::max<int64_t>(bytes, 1);
}

inference::ModelInferRequest Piece(const std::vector<PredictInput>& inputs, int64_t all,
                                   int64_t first, int64_t rows) {
  inference::ModelInferRequest request;
  for (const PredictInput& input : inputs) {
    auto& tensor = *request.add_inputs();
    tensor.set_name(input.name);
    tensor.set_datatype("FP32");
    for (const int64_t dimension : input.shape) tensor.add_shape(dimension);
    tensor.set_shape(0, rows);
    const int64_t width = static_cast<int64_t>(input.values.size()) / all;
    request.add_raw_input_contents(input.values.data() + first * width,
                                   static_cast<size_t>(rows * width * kFloatBytes));
  }
  return request;
}

// Whether it answers so many rows, in bytes.
bool Answers(const inference::ModelInferResponse& piece, int64_t rows) {
  if (piece.raw_output_contents_size() != piece.outputs_size()) return false;
  for (int i = 0; i < piece.outputs_size(); ++i) {
    const auto& shape = piece.outputs(i).shape();
    const size_t row_bytes = static_cast<size_t>(rows) * sizeof(float);
    if (shape.empty() || shape[0] != rows || piece.raw_output_contents(i).size() % row_bytes != 0)
      return false;
  }
  return true;
}

// Appends a piece's outputs, of so many rows, to those before it.
absl::Status Append(const inference::ModelInferResponse& piece, int64_t rows,
                    inference::ModelInferResponse* all) {
  if (!Answers(piece, rows)) return absl::InternalError("the server answers other rows than asked");
  if (all->outputs().empty()) {
    *all = piece;
    all->clear_raw_output_contents();
    for (auto& output : *all->mutable_outputs()) output.set_shape(0, 0);
  }
  if (piece.outputs_size() != all->outputs_size())
    return absl::InternalError("the server's answers do not fit together");
  for (int i = 0; i < piece.outputs_size(); ++i) {
    auto& output = *all->mutable_outputs(i);
    output.set_shape(0, output.shape(0) + rows);
    const std::string& bytes = piece.raw_output_contents(i);
    auto& values = *output.mutable_contents()->mutable_fp32_contents();
    const size_t before = static_cast<size_t>(values.size());
    const size_t count = before + bytes.size() / sizeof(float);
    if (count > kMostValues)
      return absl::ResourceExhaustedError("the answer has too many values: ask with fewer rows");
    values.Resize(static_cast<int>(count), 0);
    std::memcpy(values.mutable_data() + before, bytes.data(), bytes.size());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<inference::ModelInferResponse> Predict(const Client& client, const std::string& ref,
                                                      const std::vector<PredictInput>& inputs) {
  const int64_t rows = inputs.empty() || inputs[0].shape.empty() ? 0 : inputs[0].shape[0];
  int64_t row_bytes = 0;
  for (const PredictInput& input : inputs) {
    ASSIGN_OR_RETURN(const int64_t values, RowValues(input, rows));
    row_bytes += values * kFloatBytes;
  }
  inference::ModelMetadataRequest about;
  about.set_name(ref);
  ASSIGN_OR_RETURN(const inference::ModelMetadataResponse model, client.ModelMetadata(about));
  const int64_t most =
      std::max<int64_t>(1, std::min(kMostRequestBytes / std::max<int64_t>(row_bytes, 1),
                                    kMostReplyBytes / ReplyRowBytes(model)));
  inference::ModelInferResponse all;
  for (int64_t first = 0; first < rows || first == 0; first += most) {
    const int64_t count = std::min(most, rows - first);
    inference::ModelInferRequest request = Piece(inputs, rows, first, count);
    request.set_model_name(first == 0 ? ref : all.model_name());
    if (first != 0) request.set_model_version(all.model_version());
    ASSIGN_OR_RETURN(const inference::ModelInferResponse piece, client.ModelInfer(request));
    RETURN_IF_ERROR(Append(piece, count, &all));
  }
  return all;
}

}  // namespace gradus
