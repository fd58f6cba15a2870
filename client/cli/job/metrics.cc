// SPDX-License-Identifier: Apache-2.0
// gradus job metrics: a line an epoch, a column a metric; matrices as grids.
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/command.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "proto/support/scalar.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

struct Options {
  std::string id;
  std::vector<std::string> names;
};

void Declare(Arguments& arguments, Options& options) {
  arguments.Required("JOB", options.id, "The job's id");
  arguments.Option("--name", "METRIC", options.names, "Only this one; may be repeated");
}

// NAME/ROW/COLUMN.
bool IsOfMatrix(const v1::MetricSeries& series) { return absl::StrContains(series.name(), '/'); }

// A line an epoch; nothing where there are matrices alone.
std::string AsTable(const v1::ListMetricsResponse& metrics, int width) {
  std::vector<const v1::MetricSeries*> shown;
  for (const v1::MetricSeries& series : metrics.series()) {
    if (!IsOfMatrix(series)) shown.push_back(&series);
  }
  if (shown.empty()) return "";
  const size_t columns = shown.size() + 1;
  std::vector<std::vector<std::string>> rows = {{"EPOCH"}};
  std::map<int64_t, std::vector<std::string>> by_epoch;
  for (size_t i = 0; i < shown.size(); ++i) {
    rows[0].push_back(support::Printable(shown[i]->name(), true));
    for (const v1::MetricPoint& point : shown[i]->points()) {
      std::vector<std::string>& row = by_epoch[point.epoch()];
      row.resize(columns);
      row[0] = absl::StrCat(point.epoch() + 1);
      row[i + 1] = Metric(point.value());
    }
  }
  for (auto& [epoch, row] : by_epoch) rows.push_back(std::move(row));
  return Align(rows, std::vector<Column>(columns, {.right = true, .cut = true}), width);
}

// Last values by row and column.
using Matrix = std::map<int, std::map<int, double>>;

// A grid for each matrix, a line for each row, with its name before it.
std::string AsGrids(const v1::ListMetricsResponse& metrics, int width) {
  std::map<std::string, Matrix> matrices;
  for (const v1::MetricSeries& series : metrics.series()) {
    const std::vector<std::string> parts = absl::StrSplit(series.name(), '/');
    int row = 0;
    int column = 0;
    if (parts.size() == 3 && absl::SimpleAtoi(parts[1], &row) &&
        absl::SimpleAtoi(parts[2], &column) && !series.points().empty())
      matrices[parts[0]][row][column] = series.points().rbegin()->value();
  }
  std::string text;
  for (const auto& [name, matrix] : matrices) {
    std::vector<std::vector<std::string>> rows = {{support::Printable(name, true)}};
    std::set<int> columns;
    for (const auto& [row, values] : matrix) {
      for (const auto& [column, value] : values) columns.insert(column);
    }
    for (const int column : columns) rows[0].push_back(absl::StrCat(column));
    for (const auto& [row, values] : matrix) {
      rows.push_back({absl::StrCat(row)});
      for (const int column : columns) {
        const auto found = values.find(column);
        rows.back().push_back(found == values.end() ? "" : absl::StrFormat("%.12g", found->second));
      }
    }
    text +=
        Align(rows, std::vector<Column>(columns.size() + 1, {.right = true, .cut = true}), width);
  }
  return text;
}

// That each metric asked for is there; else which are.
absl::Status CheckNames(const Client& client, const Options& options,
                        const v1::ListMetricsResponse& metrics) {
  std::set<std::string> known;
  for (const v1::MetricSeries& series : metrics.series()) known.insert(series.name());
  for (const std::string& name : options.names) {
    if (known.count(name) > 0) continue;
    ASSIGN_OR_RETURN(const v1::ListMetricsResponse all, client.ListMetrics(options.id));
    std::vector<std::string> names;
    for (const v1::MetricSeries& series : all.series()) {
      if (!IsOfMatrix(series)) names.push_back(series.name());
    }
    const std::string there = names.empty() ? "none yet" : absl::StrJoin(names, ", ");
    return absl::NotFoundError(absl::StrCat("job ", options.id, " has no metric ",
                                            support::Shown(name), "; there is ", there));
  }
  return absl::OkStatus();
}

absl::Status Run(const Options& options, Session& session) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::ListMetricsResponse metrics,
                   client.ListMetrics(options.id, options.names));
  RETURN_IF_ERROR(CheckNames(client, options, metrics));
  const Output& out = session.out();
  if (out.json()) return out.Json(metrics);
  if (out.quiet()) return out.List(metrics, {}, "name", "");
  if (metrics.series().empty()) {
    out.Note("There are no metrics yet: the first ones come with the first epoch's end.");
    return absl::OkStatus();
  }
  const int width = out.is_terminal() ? out.width() : 0;
  out.Text(AsTable(metrics, width) + AsGrids(metrics, width));
  return absl::OkStatus();
}

}  // namespace

const Command kJobMetrics = {"job", "metrics", "Print a job's metrics by epoch",
                             "  gradus job metrics j0123456789ab\n"
                             "  gradus job metrics j0123456789ab --name val_loss --json\n",
                             &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
