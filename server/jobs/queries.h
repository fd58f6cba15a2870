// SPDX-License-Identifier: Apache-2.0
// Looking at jobs: one, many, their metrics, and why they are where they are.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/context.h"
#include "server/jobs/queue.h"

namespace gradus::jobs {

absl::StatusOr<v1::Job> GetJob(const Context& context, const std::string& id);
// Newest first; a page also ends where it would grow past 512 KiB.
absl::StatusOr<v1::ListJobsResponse> ListJobs(const Context& context, const ListQuery& query);
// A point an epoch, thinned (metric_series.h).
absl::StatusOr<v1::ListMetricsResponse> ListMetrics(const Context& context, const std::string& id,
                                                    const std::vector<std::string>& names);
// `free` and `total`: of the machine, as of now.
absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const Context& context, const std::string& id,
                                                  const Supply& free, const Supply& total);

}  // namespace gradus::jobs
