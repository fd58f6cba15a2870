// SPDX-License-Identifier: Apache-2.0
// Rows between two rules.
#include "client/cli/summary_table.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/table.h"
#include "client/cli/text.h"
#include "proto/support/utf8.h"

namespace gradus::cli {

namespace {

// What a layer takes that names nothing.
std::string BeforeLayer(const v1::ModelSummary& summary, int i) {
  return i == 0 ? "input" : summary.layers(i - 1).name();
}

}  // namespace

std::string SummaryTable(absl::string_view title, const v1::ModelSummary& summary) {
  const bool stack = std::ranges::all_of(
      summary.layers(), [](const v1::LayerSummary& layer) { return layer.inputs().empty(); });
  std::vector<std::vector<std::string>> rows = {{"Layer (type)", "Output Shape", "Param #"}};
  if (!stack) rows[0].emplace_back("Connected to");
  for (int i = 0; i < summary.layers_size(); ++i) {
    const v1::LayerSummary& layer = summary.layers(i);
    rows.push_back({absl::StrCat(support::Printable(layer.name(), true), " (",
                                 CamelCase(support::Printable(layer.type(), true)), ")",
                                 layer.trainable() ? "" : " frozen"),
                    absl::StrCat("(None, ", absl::StrJoin(layer.output_shape(), ", "), ")"),
                    Grouped(layer.params())});
    if (stack) continue;
    const std::string inputs =
        layer.inputs().empty() ? BeforeLayer(summary, i) : absl::StrJoin(layer.inputs(), ", ");
    rows.back().push_back(support::Printable(inputs, true));
  }
  const std::vector<std::string> lines =
      absl::StrSplit(Align(rows, {{}, {}, {.right = true}, {}}, 0), '\n', absl::SkipEmpty());
  size_t width = 0;
  for (const std::string& line : lines) width = std::max(width, support::DisplayWidth(line));
  const std::string rule = std::string(width, '=') + "\n";
  std::string text = absl::StrCat("Model: \"", support::Printable(title, true), "\"\n", rule,
                                  lines[0], "\n", rule);
  for (size_t i = 1; i < lines.size(); ++i) absl::StrAppend(&text, lines[i], "\n");
  absl::StrAppend(&text, rule, "Total params: ", Grouped(summary.total_params()),
                  "\nTrainable params: ", Grouped(summary.trainable_params()),
                  "\nNon-trainable params: ", Grouped(summary.non_trainable_params()), "\n");
  return text;
}

}  // namespace gradus::cli
