// SPDX-License-Identifier: Apache-2.0
// Inputs and outputs with what a job says of their columns.
#include "engine/graph/columns.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/edit_distance.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::graph {
namespace {

const std::string& NameOf(const v1::InputColumn& entry) { return entry.input(); }
const std::string& NameOf(const v1::TargetColumn& entry) { return entry.output(); }
void SetName(v1::InputColumn& entry, const std::string& name) { entry.set_input(name); }
void SetName(v1::TargetColumn& entry, const std::string& name) { entry.set_output(name); }

// An entry for each of `names`, in their order: what was given, or the column of its name. A model
// that names none has one, whose entry is left out where nothing is said of it.
template <typename Entry>
absl::Status FillIn(const std::vector<std::string>& names, bool named, const std::string& field,
                    const std::string& word, const std::string& usual,
                    google::protobuf::RepeatedPtrField<Entry>& entries) {
  std::vector<Entry> filled(names.size());
  std::vector<bool> given(names.size(), false);
  for (int i = 0; i < entries.size(); ++i) {
    const std::string path = absl::StrCat(field, "[", i, "].", word);
    const bool only = NameOf(entries[i]).empty() && names.size() == 1;
    const auto found = only ? names.begin() : std::ranges::find(names, NameOf(entries[i]));
    if (found == names.end()) {
      return base::InvalidArgument(
          path, absl::StrCat("\"", base::Shown(NameOf(entries[i])), "\""),
          absl::StrCat("the name of an ", word, " of the model, which has ",
                       absl::StrJoin(names, ", "), base::DidYouMean(NameOf(entries[i]), names)));
    }
    const auto at = static_cast<size_t>(found - names.begin());
    if (given[at]) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat(names[at], " is there twice"));
    }
    given[at] = true;
    filled[at] = entries[i];
    if (!entries[i].column().empty())
      RETURN_IF_ERROR(
          base::CheckName(absl::StrCat(field, "[", i, "].column"), entries[i].column()));
  }
  const bool nothing_said = entries.empty();
  entries.Clear();
  if (!named && nothing_said) return absl::OkStatus();
  for (size_t i = 0; i < names.size(); ++i) {
    SetName(filled[i], names[i]);
    if (filled[i].column().empty()) filled[i].set_column(named ? names[i] : usual);
    *entries.Add() = std::move(filled[i]);
  }
  return absl::OkStatus();
}

absl::Status SetPart(const v1::InputColumn& entry, const std::string& path, InputColumn& input) {
  const auto& part = entry.part();
  if (part.empty()) return absl::OkStatus();
  if (part.size() != 2 || part[0] < 0 || part[0] >= part[1]) {
    return base::InvalidArgument(path, absl::StrCat("[", absl::StrJoin(part, ", "), "]"),
                                 "[first, end] with 0 <= first < end");
  }
  input.first = part[0];
  input.end = part[1];
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Columns> FindColumns(const Graph& graph, std::span<const Goal> goals,
                                    v1::DataSpec& data) {
  std::vector<std::string> inputs;
  for (const ModelInput& input : graph.inputs()) inputs.push_back(input.name);
  std::vector<std::string> outputs;
  for (const int output : graph.outputs())
    outputs.push_back(graph.nodes()[static_cast<size_t>(output)].name);
  const bool named_inputs = graph.spec().inputs_size() > 0;
  RETURN_IF_ERROR(FillIn(inputs, named_inputs, "inputs", "input", "x", *data.mutable_inputs()));
  RETURN_IF_ERROR(
      FillIn(outputs, graph.names_outputs(), "targets", "output", "y", *data.mutable_targets()));
  Columns columns;
  for (size_t i = 0; i < inputs.size(); ++i) {
    InputColumn input{.column = "x", .shape = graph.inputs()[i].shape};
    input.path = named_inputs ? absl::StrCat("model.inputs[", i, "].shape") : "model.input_shape";
    if (!data.inputs().empty()) {
      const v1::InputColumn& entry = data.inputs(static_cast<int>(i));
      input.column = entry.column();
      RETURN_IF_ERROR(SetPart(entry, absl::StrCat("inputs[", i, "].part"), input));
    }
    columns.inputs.push_back(std::move(input));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string column =
        data.targets().empty() ? "y" : data.targets(static_cast<int>(i)).column();
    if (i == 0) columns.labels = column;
    if (!goals.empty()) columns.targets.push_back({column, goals[i].scored.target});
  }
  return columns;
}

}  // namespace gradus::graph
