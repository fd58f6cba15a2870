// SPDX-License-Identifier: Apache-2.0
// Jobs over a real store, with a turned clock, an executor without processes and ranks that a test
// plays itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/events/event_log.h"
#include "server/jobs/jobs.h"
#include "tests/support/fake_executor.h"
#include "tests/support/played_rank.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::jobs {

using test_support::PlayedRank;

class JobsFixture : public store::StoreFixture {
 protected:
  void SetUp() override;
  void TearDown() override;

  // What StartJobs hands over; a test may change them for a server of its own.
  JobsParts Parts();
  void StartJobs();
  void StopJobs();
  // As after a kill -9 or a stop of the server: what the store and the executor hold stays.
  void Restart();

  Submission NewSubmission(int cores = 1, int priority = 0);
  v1::Job Submit(int cores = 1, int priority = 0);
  v1::Job Get(const std::string& id);
  // Waits for the state; fails the test after 20 s.
  v1::Job AwaitState(const std::string& id, v1::Job::State state);
  // Waits until the driver has done all that it was asked for.
  void Settle();
  PlayedRank RankOf(const std::string& id, int attempt = 1, int member = 0);
  std::vector<v1::Event> Events(const std::string& id);
  std::vector<std::string> States(const std::string& id);

  JobsOptions options_;
  test_support::FakeExecutor executor_;
  std::unique_ptr<events::EventLog> log_;
  std::unique_ptr<Jobs> jobs_;
  std::string publish_error_;
  int published_ = 0;
  std::string published_weights_;  // weights_sha256 of the last one
  int submissions_ = 0;
};

}  // namespace gradus::jobs
