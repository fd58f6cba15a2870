// SPDX-License-Identifier: Apache-2.0
#include "gradus/predict.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus {
namespace {

// What a server takes and sends in one message, with room for what is not values.
constexpr int64_t kMostRequestBytes = int64_t{1000} << 10;
constexpr int64_t kMostReplyBytes = int64_t{3500} << 10;
constexpr int64_t kFloatBytes = sizeof(float);

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
    int64_t values = 1;
    for (const int64_t dimension : output.shape()) values *= std::max<int64_t>(dimension, 1);
    bytes += values * kFloatBytes;
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

// Appends a piece's outputs to those before it.
absl::Status Append(const inference::ModelInferResponse& piece,
                    inference::ModelInferResponse* all) {
  if (all->outputs().empty()) {
    *all = piece;
    all->clear_raw_output_contents();
    for (auto& output : *all->mutable_outputs()) output.set_shape(0, 0);
  }
  if (piece.outputs_size() != all->outputs_size() ||
      piece.raw_output_contents_size() != piece.outputs_size())
    return absl::InternalError("the server's answers do not fit together");
  for (int i = 0; i < piece.outputs_size(); ++i) {
    auto& output = *all->mutable_outputs(i);
    output.set_shape(0, output.shape(0) + piece.outputs(i).shape(0));
    const std::string& bytes = piece.raw_output_contents(i);
    auto& values = *output.mutable_contents()->mutable_fp32_contents();
    const int before = values.size();
    values.Resize(before + static_cast<int>(bytes.size() / sizeof(float)), 0);
    std::memcpy(values.mutable_data() + before, bytes.data(),
                bytes.size() / sizeof(float) * sizeof(float));
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
    inference::ModelInferRequest request = Piece(inputs, rows, first, std::min(most, rows - first));
    request.set_model_name(first == 0 ? ref : all.model_name());
    if (first != 0) request.set_model_version(all.model_version());
    ASSIGN_OR_RETURN(const inference::ModelInferResponse piece, client.ModelInfer(request));
    RETURN_IF_ERROR(Append(piece, &all));
  }
  return all;
}

}  // namespace gradus
