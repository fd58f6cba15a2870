// SPDX-License-Identifier: Apache-2.0
// Jobs as shared clusters see them: made up from a seed, in the shape of published records.
//   Source   Jeon and others, "Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training
//   Workloads", USENIX ATC 2019 (the Philly trace: most jobs on one device, few on many, lengths
//   over several orders of magnitude, large jobs longer); Lublin and Feitelson, "The workload on
//   parallel supercomputers: modeling the characteristics of rigid jobs", JPDC 63, 2003, and the
//   Parallel Workloads Archive (days and nights, powers of two, few users with most of the jobs).
#pragma once

#include <cstdint>
#include <vector>

#include "server/jobs/queue.h"

namespace gradus::jobs {

// One job that will come.
struct ComingJob {
  Demand demand;
  int64_t arrival = 0;  // micros
  int64_t length = 0;   // micros, on its fewest workers
  int32_t user = 0;     // 0 has submitted most
};

struct RecordedShape {
  uint64_t seed = 1;
  int32_t jobs = 100'000;
  int32_t users = 300;
  int64_t cores = 32'000;  // of the cluster
  double load = 0.9;       // the work of all jobs, by what the cluster can do while they come
};

// In the order of arrival, numbered from 1. Gangs have 2 to 64 workers of up to 32 cores; some of
// them can do with a quarter. As many jobs as there are per second on average come 1.7 times as
// fast at noon and 0.3 times at midnight.
std::vector<ComingJob> JobsOfShape(const RecordedShape& shape);

}  // namespace gradus::jobs
