// SPDX-License-Identifier: Apache-2.0
// gradus model diff.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

struct Options {
  std::string first;
  std::string second;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("MODEL", options.first,
                     "name (the newest version), name@3, name@alias or name@sha256:...");
  arguments.Required("OTHER", options.second, "The version to compare it with, likewise");
}

std::string RefOf(const v1::Model& model) {
  return absl::StrCat(model.name(), "@", model.version());
}

template <typename Shape>
std::string Described(const std::string& type, const Shape& shape) {
  return support::Printable(
      absl::StrCat(type, type.empty() ? "(" : " (", absl::StrJoin(shape, ", "), ")"), true);
}

// What is not the same, a row each.
template <typename Differences>
Rows RowsOf(const char* title, const v1::DiffModelsResponse& diff, const Differences& differences) {
  Rows rows = {{title, RefOf(diff.first()), RefOf(diff.second())}};
  for (const v1::ModelDifference& one : differences) {
    if (one.kind() == v1::ModelDifference::SAME) continue;
    rows.push_back({support::Printable(one.name(), true),
                    one.kind() == v1::ModelDifference::ONLY_SECOND
                        ? "-"
                        : Described(one.first_type(), one.first_shape()),
                    one.kind() == v1::ModelDifference::ONLY_FIRST
                        ? "-"
                        : Described(one.second_type(), one.second_shape())});
  }
  return rows;
}

Rows MetricRows(const v1::DiffModelsResponse& diff) {
  Rows rows = {{"METRIC", RefOf(diff.first()), RefOf(diff.second())}};
  std::set<std::string> names;
  for (const auto* model : {&diff.first(), &diff.second()})
    for (const auto& [name, value] : model->metrics()) names.insert(name);
  const auto value = [](const v1::Model& model, const std::string& name) -> std::string {
    const auto found = model.metrics().find(name);
    return found == model.metrics().end() ? "-" : Metric(found->second);
  };
  for (const std::string& name : names)
    rows.push_back(
        {support::Printable(name, true), value(diff.first(), name), value(diff.second(), name)});
  return rows;
}

void Print(const v1::DiffModelsResponse& diff, const Output& out) {
  const int width = out.is_terminal() ? out.width() : 0;
  const auto table = [&](const Rows& rows, const char* none) {
    out.Text(rows.size() == 1 ? absl::StrCat(none, "\n")
                              : Align(rows, {{.cut = true}, {.cut = true}, {.cut = true}}, width));
    out.Text("\n");
  };
  table(RowsOf("LAYER", diff, diff.layers()), "The definitions are the same.");
  table(MetricRows(diff), "There are no metrics.");
  if (diff.different_tensors() > 0) table(RowsOf("TENSOR", diff, diff.tensors()), "");
  out.Line(absl::StrCat(Grouped(diff.same_tensors()), " tensors are the same, ",
                        Grouped(diff.different_tensors()), " are not"));
  if (diff.truncated()) out.Note("The lists are too long to be shown whole.");
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::DiffModelsResponse diff,
                   client.DiffModels(options.first, options.second));
  const Output& out = session.out();
  if (out.json()) return out.Json(diff);
  if (out.people()) Print(diff, out);
  if (!out.quiet()) return absl::OkStatus();
  for (const v1::ModelDifference& tensor : diff.tensors())
    if (tensor.kind() != v1::ModelDifference::SAME) out.Text(tensor.name() + "\n");
  return absl::OkStatus();
}

}  // namespace

const Command kModelDiff = {"model", "diff", "Compare two versions: layers, metrics, weights",
                            "  gradus model diff fashion-a@1 fashion-a@2\n"
                            "  gradus model diff fashion-a fashion-b -q    # tensors that differ\n",
                            &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
