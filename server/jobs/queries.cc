// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/queries.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/store/codec.h"

namespace gradus::jobs {
namespace {

constexpr int kDefaultPage = 100;
constexpr int kLargestPage = 1000;

absl::StatusOr<int64_t> ParsePageToken(const std::string& token) {
  int64_t before = INT64_MAX;
  if (!token.empty() && (!absl::SimpleAtoi(token, &before) || before < 1)) {
    return base::InvalidArgument("page_token", absl::StrCat("\"", token, "\""),
                                 "one that a page before gave");
  }
  return before;
}

std::string StatesCondition(const std::vector<v1::Job::State>& states) {
  if (states.empty()) return "";
  std::string list;
  for (const v1::Job::State state : states)
    absl::StrAppend(&list, list.empty() ? "" : ", ", static_cast<int>(state));
  return absl::StrCat(" AND state IN (", list, ")");
}

// Epoch -> point, by metric.
using Series = std::map<std::string, std::map<int64_t, v1::MetricPoint>>;

void AddPoints(const google::protobuf::Map<std::string, double>& values, int64_t epoch,
               int64_t step, Series& series) {
  for (const auto& [name, value] : values) {
    v1::MetricPoint& point = series[name][epoch];
    point.set_epoch(epoch);
    point.set_step(step);
    point.set_value(value);
  }
}

absl::Status ReadKind(const Context& context, const std::string& id, v1::Event::KindCase kind,
                      absl::FunctionRef<void(const v1::Event&)> use) {
  events::ReadOptions options;
  options.kind = kind;
  options.limit = 1000;
  while (true) {
    ASSIGN_OR_RETURN(const events::Page page, context.parts.events->Read(id, options));
    for (const v1::Event& event : page.events) use(event);
    if (page.events.empty()) return absl::OkStatus();
    options.after_seq = page.next_after;
  }
}

void FillSeries(const std::map<int64_t, v1::MetricPoint>& points, v1::MetricSeries& series) {
  const size_t stride = (points.size() + kMostPoints - 1) / kMostPoints;
  size_t left = points.size();
  for (const auto& [epoch, point] : points) {
    --left;
    if (left % stride == 0) *series.add_points() = point;
  }
}

}  // namespace

absl::StatusOr<v1::Job> GetJob(const Context& context, const std::string& id) {
  v1::Job job;
  RETURN_IF_ERROR(context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(JobRow row, LoadJob(tx, id));
    job = std::move(row.job);
    ASSIGN_OR_RETURN(*job.mutable_spec(), LoadSpec(tx, id));
    return absl::OkStatus();
  }));
  return job;
}

absl::StatusOr<v1::ListJobsResponse> ListJobs(const Context& context, const ListQuery& query) {
  ASSIGN_OR_RETURN(const int64_t before, ParsePageToken(query.page_token));
  const int size = query.page_size == 0 ? kDefaultPage : query.page_size;
  if (size < 1 || size > kLargestPage) {
    return base::InvalidArgument("page_size", absl::StrCat(size),
                                 absl::StrCat("1 to ", kLargestPage));
  }
  const std::string sql = absl::StrCat(
      "SELECT number, record FROM jobs WHERE number < :before AND (:everyone = 1 OR owner = "
      ":owner)",
      StatesCondition(query.states), " ORDER BY number DESC LIMIT :n");
  v1::ListJobsResponse page;
  RETURN_IF_ERROR(context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto rows, (tx.Query<int64_t, std::string>(sql, before, query.owner.empty(),
                                                                query.owner, size + 1)));
    const bool more = static_cast<int>(rows.size()) > size;
    if (more) rows.pop_back();
    for (const auto& [number, record] : rows)
      RETURN_IF_ERROR(store::DecodeInto(record, page.add_jobs()));
    if (more) page.set_next_page_token(absl::StrCat(std::get<0>(rows.back())));
    return absl::OkStatus();
  }));
  return page;
}

absl::StatusOr<v1::ListMetricsResponse> ListMetrics(const Context& context, const std::string& id,
                                                    const std::vector<std::string>& names) {
  Series series;
  int64_t last_epoch = 0;
  int64_t last_step = 0;
  RETURN_IF_ERROR(ReadKind(context, id, v1::Event::kEpochFinished, [&](const v1::Event& event) {
    last_epoch = event.epoch_finished().epoch();
    last_step = event.epoch_finished().step();
    AddPoints(event.epoch_finished().metrics(), last_epoch, last_step, series);
  }));
  RETURN_IF_ERROR(ReadKind(context, id, v1::Event::kEvaluated, [&](const v1::Event& event) {
    AddPoints(event.evaluated().metrics(), last_epoch, last_step, series);
  }));
  const std::set<std::string> wanted(names.begin(), names.end());
  v1::ListMetricsResponse response;
  for (const auto& [name, points] : series) {
    if (!wanted.empty() && !wanted.contains(name)) continue;
    v1::MetricSeries& out = *response.add_series();
    out.set_name(name);
    FillSeries(points, out);
  }
  return response;
}

}  // namespace gradus::jobs
