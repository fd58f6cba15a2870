// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/queries.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "server/jobs/metric_series.h"
#include "server/registry/page.h"
#include "server/store/codec.h"

namespace gradus::jobs {
namespace {

absl::StatusOr<int64_t> ParsePageToken(const std::string& token) {
  int64_t before = INT64_MAX;
  if (!token.empty() && (!absl::SimpleAtoi(token, &before) || before < 1)) {
    return base::InvalidArgument("page_token", absl::StrCat("\"", token, "\""),
                                 "one that a page before gave");
  }
  return before;
}

// Each state once, so that neither the statement nor the number of different ones grows with what
// callers send.
absl::StatusOr<std::string> StatesCondition(const std::vector<v1::Job::State>& states) {
  std::set<int> numbers;
  for (const v1::Job::State state : states) {
    if (!v1::Job::State_IsValid(state) || state == v1::Job::STATE_UNSPECIFIED)
      return base::InvalidArgument("states", absl::StrCat(static_cast<int>(state)),
                                   "a job's state");
    numbers.insert(state);
  }
  if (numbers.empty()) return std::string();
  return absl::StrCat(" AND state IN (", absl::StrJoin(numbers, ", "), ")");
}

using SeriesByName = std::map<std::string, ThinnedSeries>;

void AddPoints(const google::protobuf::Map<std::string, double>& values, int64_t epoch,
               int64_t step, SeriesByName& series) {
  v1::MetricPoint point;
  point.set_epoch(epoch);
  point.set_step(step);
  for (const auto& [name, value] : values) {
    point.set_value(value);
    series[name].Add(point);
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
  ASSIGN_OR_RETURN(const int size, registry::CheckPageSize(query.page_size));
  ASSIGN_OR_RETURN(const std::string states, StatesCondition(query.states));
  const std::string sql = absl::StrCat(
      "SELECT number, record FROM jobs WHERE number < :before AND (:everyone = 1 OR owner = "
      ":owner)",
      states, " ORDER BY number DESC LIMIT :n");
  v1::ListJobsResponse page;
  RETURN_IF_ERROR(context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto rows, (tx.Query<int64_t, std::string>(sql, before, query.owner.empty(),
                                                                query.owner, size + 1)));
    registry::PageBudget budget(size);
    int64_t last = before;
    for (const auto& [number, record] : rows) {
      if (!budget.Take(record.size())) {
        page.set_next_page_token(absl::StrCat(last));
        break;
      }
      v1::Job& job = *page.add_jobs();
      RETURN_IF_ERROR(store::DecodeInto(record, &job));
      job.clear_best_checkpoints();
      last = number;
    }
    return absl::OkStatus();
  }));
  return page;
}

absl::StatusOr<v1::ListMetricsResponse> ListMetrics(const Context& context, const std::string& id,
                                                    const std::vector<std::string>& names) {
  SeriesByName series;
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
  RETURN_IF_ERROR(ReadKind(context, id, v1::Event::kLearningRateTried, [&](const v1::Event& event) {
    const v1::LearningRateTried& tried = event.learning_rate_tried();
    google::protobuf::Map<std::string, double> values;
    values["learning_rate"] = tried.learning_rate();
    values["loss"] = tried.loss();
    values["smoothed_loss"] = tried.smoothed_loss();
    AddPoints(values, 0, tried.step(), series);
  }));
  const std::set<std::string> wanted(names.begin(), names.end());
  v1::ListMetricsResponse response;
  for (auto& [name, points] : series) {
    if (!wanted.empty() && !wanted.contains(name)) continue;
    v1::MetricSeries& out = *response.add_series();
    out.set_name(name);
    points.MoveTo(out);
  }
  return response;
}

}  // namespace gradus::jobs
