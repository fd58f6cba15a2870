// SPDX-License-Identifier: Apache-2.0
#include "proto/support/print.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "gradus/v1/job.pb.h"
#include "proto/support/parse.h"
#include "tests/unit/proto/support/random_message.h"

namespace gradus::support {
namespace {

TEST(PrintJson, HasTheProtosNamesAndSixtyFourBitsAsStrings) {
  v1::Job job;
  job.set_id("j1");
  job.set_step(9007199254740993);
  job.set_state(v1::Job::QUEUED);
  EXPECT_EQ(*PrintJson(job), R"({"id":"j1","state":"QUEUED","step":"9007199254740993"})");
}

TEST(PrintJson, ShowsZeroesWhereAsked) {
  const std::string json = *PrintJson(v1::Job(), {.zero_values = true});
  EXPECT_NE(json.find(R"("step":"0")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("metrics":{})"), std::string::npos) << json;
}

TEST(PrintJson, TheSameMessageIsTheSameText) {
  v1::Job job;
  for (int i = 99; i >= 10; --i) (*job.mutable_metrics())["m" + std::to_string(i)] = i;
  const std::string json = *PrintJson(job);
  size_t last = 0;
  for (int i = 10; i < 100; ++i) {
    const size_t at = json.find("\"m" + std::to_string(i) + "\"");
    ASSERT_NE(at, std::string::npos);
    EXPECT_GT(at, last);
    last = at;
  }
  EXPECT_EQ(*PrintJson(v1::Job(job)), json);
}

TEST(PrintJson, ReadsBackTheSame) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) {
    v1::Job job;
    testing::FillRandomly(random, 7, job);
    const auto json = PrintJson(job);
    ASSERT_TRUE(json.ok()) << json.status();
    const auto back = Parse<v1::Job>(*json);
    ASSERT_TRUE(back.ok()) << back.status() << "\n" << *json;
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(job, *back)) << *json;
  }
}

}  // namespace
}  // namespace gradus::support
