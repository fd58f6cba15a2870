// SPDX-License-Identifier: Apache-2.0
// A hundred thousand jobs of a recorded shape on a thousand nodes of 32 cores: what the rules of
// queue.h, machine.h and places.h come to in a day. Prints what docs/scale.md has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/unit/server/jobs/recorded_shape.h"
#include "tests/unit/server/jobs/simulated_cluster.h"

namespace gradus::jobs {
namespace {

constexpr double kMinute = 60e6;
constexpr int64_t kHour = int64_t{3600} * 1'000'000;

class ClusterTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (jobs_.empty()) jobs_ = JobsOfShape({});
    if (record_.passes == 0) record_ = SimulatedCluster({}, jobs_).Run();
  }

  static int64_t CoresOf(const ComingJob& job) {
    return int64_t{job.demand.cores} * job.demand.min_workers;
  }

  static inline std::vector<ComingJob> jobs_;
  static inline SimulatedCluster::Record record_;
};

TEST_F(ClusterTest, EveryJobRunsToItsEnd) {
  EXPECT_EQ(record_.ended, static_cast<int64_t>(jobs_.size()));
  EXPECT_EQ(std::ranges::count(record_.waits, -1), 0);
  EXPECT_EQ(record_.left_taken, 0);
}

TEST_F(ClusterTest, NoProcessorIsGivenTwice) { EXPECT_EQ(record_.doubled, 0); }

TEST_F(ClusterTest, NobodyOvertakesAJobThatHasLostItsPatience) {
  EXPECT_EQ(record_.overtaken_too_late, 0);
}

// Jobs run for up to a day, so this is not for the lack of work: what others give back goes to
// it alone once its patience is over.
TEST_F(ClusterTest, NoJobIsFirstForLong) { EXPECT_LT(record_.longest_at_head, kHour); }

TEST_F(ClusterTest, JobsThatGivePlacesKeepTheirFewestWorkers) {
  EXPECT_GT(record_.given, 100);
  EXPECT_GT(record_.grown, 100);
  EXPECT_EQ(record_.too_small, 0);
}

TEST_F(ClusterTest, NobodyTakesThePlaceOfALostMember) {
  EXPECT_GT(record_.lost, 100);
  EXPECT_EQ(record_.not_replaced, 0);
}

TEST_F(ClusterTest, FewProcessorsAreIdleWhileJobsWait) {
  EXPECT_GT(record_.available_while_waiting, 0.1 * record_.available) << "hardly a job has waited";
  EXPECT_GT(record_.busy_while_waiting, 0.9 * record_.available_while_waiting);
}

// However many wait.
TEST_F(ClusterTest, APassLooksAtFewOfThoseThatWait) {
  EXPECT_GT(record_.most_waiting, 1'000);
  EXPECT_LT(record_.most_looks, 100);
}

TEST_F(ClusterTest, WaitsBySize) {
  std::printf("%zu jobs in %.1f days, load %.3f, while jobs wait %.3f\n", jobs_.size(),
              static_cast<double>(jobs_.back().arrival) / (24 * 60 * kMinute),
              record_.busy / record_.available,
              record_.busy_while_waiting / record_.available_while_waiting);
  std::printf("%ld passes, most waiting %ld, most looks %ld, first for at most %.1f min\n",
              record_.passes, record_.most_waiting, record_.most_looks,
              static_cast<double>(record_.longest_at_head) / kMinute);
  std::printf("%ld members lost, %ld places grown, %ld given\n", record_.lost, record_.grown,
              record_.given);
  std::printf("%14s %8s %10s %10s %10s  minutes\n", "cores", "jobs", "median", "95 of 100", "most");
  int64_t least = 1;
  for (const int64_t most : {1, 8, 64, 512, 2048}) {
    std::vector<double> waits;
    for (size_t job = 0; job < jobs_.size(); ++job) {
      const int64_t cores = CoresOf(jobs_[job]);
      if (cores >= least && cores <= most)
        waits.push_back(static_cast<double>(record_.waits[job]) / kMinute);
    }
    ASSERT_FALSE(waits.empty());
    std::ranges::sort(waits);
    const std::string range = std::to_string(least) + " to " + std::to_string(most);
    std::printf("%14s %8zu %10.1f %10.1f %10.1f\n", range.c_str(), waits.size(),
                waits[waits.size() / 2], waits[waits.size() * 95 / 100], waits.back());
    least = most + 1;
  }
}

}  // namespace
}  // namespace gradus::jobs
