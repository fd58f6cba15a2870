// SPDX-License-Identifier: Apache-2.0
// gradus model predict.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/model/predict_input.h"
#include "client/cli/table.h"
#include "client/cli/text_file.h"
#include "gradus/predict.h"
#include "internal/file.h"
#include "proto/support/print.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;
using OutputTensor = inference::ModelInferResponse::InferOutputTensor;

constexpr size_t kMostFileBytes = size_t{64} << 20;
// Of a wide output, people see the first ones.
constexpr size_t kShownValues = 8;
// How far from 1 the probabilities of a row may add up.
constexpr double kOne = 1e-3;

struct Options {
  std::string ref;
  std::string input;
  std::string output;
  std::string scale;
  std::string offset;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.ref,
                     "name (the newest version), name@3, name@alias or name@sha256:...");
  arguments.Option("-i,--input", "FILE", options.input,
                   "Rows: JSON, CSV or IDX; - reads standard input");
  arguments.Option("-o,--output", "FILE", options.output, "Also write the reply there, as JSON");
  arguments.Option("--scale", "X", options.scale,
                   "Values become x * scale + offset, as in a job's data [1]");
  arguments.Option("--offset", "X", options.offset, "See --scale [0]");
}

absl::StatusOr<float> Number(const std::string& text, const char* flag, float otherwise) {
  float value = otherwise;
  if (text.empty() || (absl::SimpleAtof(text, &value) && std::isfinite(value))) return value;
  return support::UsageError(absl::StrCat(flag, ": \"", text, "\" is not a number"));
}

// One row's values of each output.
class Predictions {
 public:
  explicit Predictions(const inference::ModelInferResponse& response) : response_(response) {}

  int64_t rows() const {
    const bool any = response_.outputs_size() > 0 && response_.outputs(0).shape_size() > 0;
    return any ? response_.outputs(0).shape(0) : 0;
  }
  int outputs() const { return response_.outputs_size(); }
  const OutputTensor& output(int index) const { return response_.outputs(index); }

  absl::Span<const float> Row(int output, int64_t row) const {
    const auto& values = response_.outputs(output).contents().fp32_contents();
    const auto width = static_cast<size_t>(values.size() / std::max<int64_t>(rows(), 1));
    return {values.data() + static_cast<size_t>(row) * width, width};
  }

  // Whether all rows of an output are probabilities of classes.
  bool AreClasses(int output) const {
    for (int64_t row = 0; row < rows(); ++row) {
      double sum = 0;
      for (const float value : Row(output, row)) {
        if (!(value >= 0)) return false;
        sum += static_cast<double>(value);
      }
      if (Row(output, row).size() < 2 || std::abs(sum - 1) > kOne) return false;
    }
    return rows() > 0;
  }

 private:
  const inference::ModelInferResponse& response_;
};

size_t Largest(absl::Span<const float> row) {
  return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

std::string Listed(absl::Span<const float> row, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(row.size(), most); ++i)
    absl::StrAppendFormat(&text, "%s%.6g", i == 0 ? "" : " ", static_cast<double>(row[i]));
  if (row.size() > most) absl::StrAppendFormat(&text, " ... (%d)", row.size());
  return text;
}

std::string TableOf(const Predictions& predictions, int width) {
  Rows rows = {{"ROW"}};
  std::vector<Column> columns = {{.right = true}};
  const bool several = predictions.outputs() > 1;
  std::vector<bool> classes;
  for (int output = 0; output < predictions.outputs(); ++output) {
    const std::string name = support::Printable(predictions.output(output).name(), true);
    classes.push_back(predictions.AreClasses(output));
    if (classes.back()) {
      rows[0].push_back(several ? absl::StrCat(name, " CLASS") : "CLASS");
      rows[0].push_back("PROBABILITY");
      columns.insert(columns.end(), {{.right = true}, {.right = true}});
    } else {
      rows[0].push_back(name);
      columns.push_back({.cut = true});
    }
  }
  for (int64_t row = 0; row < predictions.rows(); ++row) {
    std::vector<std::string>& cells = rows.emplace_back();
    cells.push_back(absl::StrCat(row));
    for (int output = 0; output < predictions.outputs(); ++output) {
      const absl::Span<const float> values = predictions.Row(output, row);
      if (classes[static_cast<size_t>(output)]) {
        const size_t best = Largest(values);
        cells.push_back(absl::StrCat(best));
        cells.push_back(absl::StrFormat("%.4f", static_cast<double>(values[best])));
      } else {
        cells.push_back(Listed(values, kShownValues));
      }
    }
  }
  return Align(rows, columns, width);
}

// A line a row: the class, or all values.
std::string Quiet(const Predictions& predictions) {
  std::string text;
  std::vector<bool> classes;
  for (int output = 0; output < predictions.outputs(); ++output)
    classes.push_back(predictions.AreClasses(output));
  for (int64_t row = 0; row < predictions.rows(); ++row) {
    for (int output = 0; output < predictions.outputs(); ++output) {
      const absl::Span<const float> values = predictions.Row(output, row);
      absl::StrAppend(&text, output == 0 ? "" : " ",
                      classes[static_cast<size_t>(output)] ? absl::StrCat(Largest(values))
                                                           : Listed(values, values.size()));
    }
    text += '\n';
  }
  return text;
}

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadTextFile(path, kMostFileBytes));
  if (text.size() <= kMostFileBytes) return text;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": longer than ", kMostFileBytes >> 20, " MiB"));
}

absl::Status Run(const Options& options, Session& session) {
  if (options.input.empty()) return support::UsageError("--input FILE is required");
  ASSIGN_OR_RETURN(const float scale, Number(options.scale, "--scale", 1));
  ASSIGN_OR_RETURN(const float offset, Number(options.offset, "--offset", 0));
  ASSIGN_OR_RETURN(const std::string text, ReadInput(options.input));
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  // Rows are read as one version takes them, and answered by that one, whatever is published now.
  ASSIGN_OR_RETURN(const v1::Model version, client.GetModel(options.ref));
  const std::string ref = absl::StrCat(version.name(), "@", version.version());
  inference::ModelMetadataRequest about;
  about.set_name(ref);
  ASSIGN_OR_RETURN(const inference::ModelMetadataResponse model, client.ModelMetadata(about));
  absl::StatusOr<std::vector<PredictInput>> inputs = ParsePredictInput(text, model);
  if (!inputs.ok()) return support::Annotate(inputs.status(), options.input);
  for (PredictInput& input : *inputs) {
    for (float& value : input.values) value = value * scale + offset;
  }
  ASSIGN_OR_RETURN(const inference::ModelInferResponse response, Predict(client, ref, *inputs));
  if (!options.output.empty()) {
    ASSIGN_OR_RETURN(const std::string json, support::PrintJson(response, {.zero_values = true}));
    RETURN_IF_ERROR(internal::WriteFileAtomically(options.output, json + "\n", 0644));
  }
  const Output& out = session.out();
  if (out.json()) return out.Json(response);
  const Predictions predictions(response);
  if (out.quiet()) {
    out.Text(Quiet(predictions));
    return absl::OkStatus();
  }
  out.Text(TableOf(predictions, out.is_terminal() ? out.width() : 0));
  out.Note(absl::StrCat("answered by ", response.model_name(), "@", response.model_version()));
  return absl::OkStatus();
}

}  // namespace

const Command kModelPredict = {
    "model", "predict", "Ask a model for its answers to rows of a file",
    "  gradus model predict fashion-a --input rows.csv\n"
    "  gradus model predict fashion-a@production --input t10k-images-idx3-ubyte --scale "
    "0.00392156862745098\n"
    "  echo '[[5.1, 3.5, 1.4, 0.2]]' | gradus model predict iris@3 --input - -q\n",
    &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
