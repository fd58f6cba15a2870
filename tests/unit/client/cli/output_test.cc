// SPDX-License-Identifier: Apache-2.0
#include "client/cli/output.h"

#include <gtest/gtest.h>

#include <sstream>

#include "gradus/v1/job_service.pb.h"

namespace gradus::cli {
namespace {

struct Captured {
  std::ostringstream out;
  std::ostringstream err;
  Output In(Output::Mode mode) { return {Terminal{out, err}, mode}; }
};

TEST(Output, WordsForPeopleAreForPeopleAlone) {
  for (const Output::Mode mode : {Output::Mode::kJson, Output::Mode::kQuiet}) {
    Captured captured;
    captured.In(mode).Line("hello");
    captured.In(mode).Note("hello");
    EXPECT_EQ(captured.out.str() + captured.err.str(), "");
  }
  Captured captured;
  captured.In(Output::Mode::kPeople).Line("hello\x1b");
  EXPECT_EQ(captured.out.str(), "hello?\n");
}

TEST(Output, JsonIsOneLineAndStaysJson) {
  v1::Job job;
  job.set_name("two\nlines\xc2\x9b");
  Captured captured;
  ASSERT_TRUE(captured.In(Output::Mode::kJson).Json(job).ok());
  const std::string json = captured.out.str();
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  EXPECT_NE(json.find("\"name\":\"two\\nlines\\u009b\""), std::string::npos) << json;
}

TEST(Output, AQuietListIsItsIdentifiers) {
  v1::ListJobsResponse jobs;
  jobs.add_jobs()->set_id("j1");
  jobs.add_jobs()->set_id("j2");
  Captured captured;
  ASSERT_TRUE(captured.In(Output::Mode::kQuiet).List(jobs, {}, "id", "none").ok());
  EXPECT_EQ(captured.out.str(), "j1\nj2\n");
}

}  // namespace
}  // namespace gradus::cli
