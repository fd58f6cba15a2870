// SPDX-License-Identifier: Apache-2.0
// gradus job metrics: a line an epoch, a column a metric.
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

std::string AsTable(const v1::ListMetricsResponse& metrics, int width) {
  const auto columns = static_cast<size_t>(metrics.series_size()) + 1;
  std::vector<std::vector<std::string>> rows = {{"EPOCH"}};
  std::map<int64_t, std::vector<std::string>> by_epoch;
  for (int i = 0; i < metrics.series_size(); ++i) {
    rows[0].push_back(support::Printable(metrics.series(i).name(), true));
    for (const v1::MetricPoint& point : metrics.series(i).points()) {
      std::vector<std::string>& row = by_epoch[point.epoch()];
      row.resize(columns);
      row[0] = absl::StrCat(point.epoch() + 1);
      row[static_cast<size_t>(i) + 1] = Metric(point.value());
    }
  }
  for (auto& [epoch, row] : by_epoch) rows.push_back(std::move(row));
  return Align(rows, std::vector<Column>(columns, {.right = true, .cut = true}), width);
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
    for (const v1::MetricSeries& series : all.series()) names.push_back(series.name());
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
  out.Text(AsTable(metrics, out.is_terminal() ? out.width() : 0));
  return absl::OkStatus();
}

}  // namespace

const Command kJobMetrics = {"job", "metrics", "Print a job's metrics by epoch",
                             "  gradus job metrics j0123456789ab\n"
                             "  gradus job metrics j0123456789ab --name val_loss --json\n",
                             &Bind<Options, Declare, Run>};

}  // namespace gradus::cli
