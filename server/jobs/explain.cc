// SPDX-License-Identifier: Apache-2.0
// Why a job is in its state, and what it waits for, in sentences.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/byte_size.h"
#include "engine/base/status.h"
#include "server/jobs/attempts.h"
#include "server/jobs/queries.h"

namespace gradus::jobs {
namespace {

using v1::Job;

struct Facts {
  JobRow row;
  int64_t ahead = 0;  // queued jobs that come first
  std::vector<std::string> endings;
};

absl::StatusOr<Facts> Gather(const Context& context, const std::string& id) {
  Facts facts;
  RETURN_IF_ERROR(context.parts.store->Read([&](store::ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(facts.row, LoadJob(tx, id));
    ASSIGN_OR_RETURN(
        auto ahead,
        tx.QueryOne<int64_t>("SELECT COUNT(*) FROM jobs WHERE state = 1 AND (priority > :p OR"
                             " (priority = :q AND number < :n))",
                             facts.row.priority, facts.row.priority, facts.row.number));
    facts.ahead = ahead.has_value() ? std::get<0>(*ahead) : 0;
    ASSIGN_OR_RETURN(facts.endings, Endings(tx, id, 5));
    return absl::OkStatus();
  }));
  return facts;
}

Demand DemandOf(const JobRow& row) {
  return {.cores = row.cores,
          .memory = row.memory,
          .min_workers = row.min_workers,
          .max_workers = row.max_workers};
}

bool Fits(const JobRow& row, const Supply& supply) {
  return jobs::Fits(DemandOf(row), row.min_workers, supply);
}

std::string Needs(const JobRow& row, const Supply& supply, const char* what) {
  const std::string workers =
      row.max_workers == 1 ? "" : absl::StrCat(row.min_workers, " workers with ");
  return absl::StrCat(
      "it needs ", workers, row.cores, " cores and ",
      base::FormatByteSize(static_cast<uint64_t>(row.memory)), workers.empty() ? "; " : " each; ",
      what, " ", supply.cores, " cores and ",
      base::FormatByteSize(static_cast<uint64_t>(std::max<int64_t>(0, supply.memory))));
}

std::string QueuedSummary(const Context& context, const Facts& facts, const Supply& free,
                          const Supply& total) {
  const JobRow& row = facts.row;
  if (!Fits(row, total)) {
    return "It asks for more than this server has by its present settings, so it cannot start.";
  }
  if (row.not_before > context.parts.clock->MonotonicMicros())
    return "It waits a moment before its worker is tried again.";
  if (facts.ahead > 0) return absl::StrCat("It waits behind ", facts.ahead, " other jobs.");
  if (!Fits(row, free)) return "It is the next to start and waits for cores or memory.";
  return "It is about to start.";
}

std::string RunningSummary(const JobRow& row) {
  if (row.max_workers == 1) return "It is training.";
  if (row.job.workers() == 0) return "It waits for its workers.";
  if (row.job.workers() == 1) return "It is training on 1 worker.";
  return absl::StrCat("It is training on ", row.job.workers(), " workers.");
}

std::string Summary(const Context& context, const Facts& facts, const Supply& free,
                    const Supply& total) {
  switch (facts.row.job.state()) {
    case Job::QUEUED:
      return QueuedSummary(context, facts, free, total);
    case Job::STARTING:
      return "Its worker has been started and has not reported yet.";
    case Job::RUNNING:
      return RunningSummary(facts.row);
    case Job::PAUSING:
      return "It saves a checkpoint and then pauses.";
    case Job::PAUSED:
      return "It is paused; only a resume or a cancel leads on.";
    case Job::CANCELLING:
      return "Its worker is being stopped.";
    case Job::SUCCEEDED:
      return "It has run to its end.";
    case Job::FAILED:
      return "It has failed.";
    case Job::CANCELLED:
      return "It was cancelled.";
    case Job::TIMED_OUT:
      return "It ran longer than its time_limit.";
    default:
      return "Its state is unknown.";
  }
}

}  // namespace

absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const Context& context, const std::string& id,
                                                  const Supply& free, const Supply& total) {
  ASSIGN_OR_RETURN(Facts facts, Gather(context, id));
  v1::ExplainJobResponse response;
  response.set_state(facts.row.job.state());
  response.set_summary(Summary(context, facts, free, total));
  if (!facts.row.job.reason().empty()) response.add_details(facts.row.job.reason());
  if (facts.row.job.state() == Job::STARTING) {
    const std::string waiting =
        context.parts.executor->Waiting({id, facts.row.job.attempt(), facts.row.fence});
    if (!waiting.empty()) response.add_details(absl::StrCat("its worker ", waiting));
  }
  if (facts.row.job.state() == Job::QUEUED) {
    response.set_queue_position(static_cast<int32_t>(facts.ahead + 1));
    response.add_details(Needs(facts.row, free, "free are"));
    if (!Fits(facts.row, total)) {
      response.add_details(Needs(facts.row, total, "the server has"));
    }
  }
  for (std::string& ending : facts.endings) response.add_details(std::move(ending));
  return response;
}

}  // namespace gradus::jobs
