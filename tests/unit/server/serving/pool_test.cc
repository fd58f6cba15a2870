// SPDX-License-Identifier: Apache-2.0
// Every request gets one answer, whatever happens to processes and memory.
#include "server/serving/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <thread>

#include "proto/support/status.h"
#include "tests/support/temp_dir.h"

namespace gradus::serving {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kMiB = int64_t{1} << 20;

class PoolTest : public ::testing::Test {
 protected:
  PoolTest() {
    options.program = GRADUS_SERVE_PROGRAM;
    options.blob_dir = dir.path();
    options.memory_bytes = 100 * kMiB;
  }
  void Start() { pool = Pool::Start(&base::RealClock(), options); }

  // A version that does as `word` says, see serve_program.cc.
  static std::shared_ptr<const Loadable> Model(const std::string& ref, const std::string& word,
                                               int64_t memory = 10 * kMiB) {
    auto model = std::make_shared<Loadable>();
    model->ref = ref;
    model->model.add_layers()->set_name(word);
    model->memory = memory;
    return model;
  }
  std::future<absl::StatusOr<std::string>> Ask(const std::shared_ptr<const Loadable>& model,
                                               const std::string& inputs) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<std::string>>>();
    auto sized = std::make_shared<Loadable>(*model);
    sized->answer_bytes = static_cast<int64_t>(inputs.size());
    pool->Predict(sized, 1, inputs, [promise](absl::StatusOr<std::string> outputs) {
      promise->set_value(std::move(outputs));
    });
    return promise->get_future();
  }
  void Go() { std::ofstream(dir / "go"); }

  test_support::TempDir dir;
  PoolOptions options;
  std::unique_ptr<Pool> pool;
};

TEST_F(PoolTest, AVersionIsLoadedWhenItIsFirstAsked) {
  Start();
  EXPECT_THAT(pool->Loaded(), IsEmpty());
  EXPECT_EQ(Ask(Model("a@1", "echo"), "abcd").get().value(), "abcd");
  EXPECT_THAT(pool->Loaded(), ElementsAre("a@1"));
}

TEST_F(PoolTest, ManyAtOnceAreAllAnswered) {
  Start();
  std::vector<std::future<absl::StatusOr<std::string>>> answers;
  for (int i = 0; i < 500; ++i)
    answers.push_back(Ask(Model(i % 2 == 0 ? "a@1" : "a@2", "echo"), std::to_string(i)));
  for (int i = 0; i < 500; ++i)
    EXPECT_EQ(answers[static_cast<size_t>(i)].get().value(), std::to_string(i));
}

TEST_F(PoolTest, LargeRowsGoThroughWhileTheSocketIsFull) {
  Start();
  const std::string large(4 * kMiB, 'x');
  std::vector<std::future<absl::StatusOr<std::string>>> answers;
  for (int i = 0; i < 8; ++i) answers.push_back(Ask(Model("a@1", "echo"), large));
  for (auto& answer : answers) EXPECT_EQ(answer.get().value(), large);
}

TEST_F(PoolTest, ARequestWhoseProcessDiesIsAskedOnceMore) {
  Start();
  EXPECT_EQ(Ask(Model("a@1", "dies-1"), "abcd").get().value(), "abcd");
}

// With a code that clients do not take as an invitation to ask once more.
TEST_F(PoolTest, ARequestThatIsLostTwiceIsAnError) {
  Start();
  const auto answer = Ask(Model("a@1", "dies-2"), "abcd").get();
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Ask(Model("a@1", "dies-2"), "abcd").get().value(), "abcd");
}

TEST_F(PoolTest, ARequestThatKillsItsProcessTakesNoOthersAlong) {
  Start();
  const auto model = Model("a@1", "poison");
  auto before = Ask(model, "before");
  auto poison = Ask(model, "poison");
  auto after = Ask(model, "after");
  EXPECT_EQ(poison.get().status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(before.get().value(), "before");
  EXPECT_EQ(after.get().value(), "after");
}

TEST_F(PoolTest, AProcessThatLiesIsGivenUpAndItsRequestsAreAnswered) {
  options.most_requests = 1;
  options.answer_micros = int64_t{3600} * 1'000'000;  // its time is not why
  Start();
  for (const char* word : {"reloads", "invents", "shortens"}) {
    const auto answer = Ask(Model(std::string(word) + "@1", word), "abcd").get();
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInternal) << word;
  }
  EXPECT_TRUE(Ask(Model("a@1", "echo"), "abcd").get().ok());
}

TEST_F(PoolTest, AVersionWhoseProcessesKeepDyingIsLeftAlone) {
  Start();
  const auto model = Model("a@1", "dies-1000");
  absl::Status last;
  for (int i = 0; i < 4; ++i) last = Ask(model, "abcd").get().status();
  EXPECT_THAT(std::string(last.message()), HasSubstr("times within a minute"));
  // Others are not.
  EXPECT_TRUE(Ask(Model("b@1", "echo"), "abcd").get().ok());
}

TEST_F(PoolTest, WhatALoadSaysIsToldToAllWhoWait) {
  Start();
  auto first = Ask(Model("a@1", "refuses"), "a");
  auto second = Ask(Model("a@1", "refuses"), "b");
  for (const absl::Status& status : {first.get().status(), second.get().status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(std::string(status.message()), HasSubstr("a@1: load: no memory for it"));
  }
}

TEST_F(PoolTest, ALoadThatTakesTooLongIsGivenUp) {
  options.load_micros = 50'000;
  Start();
  EXPECT_EQ(Ask(Model("a@1", "hangs"), "a").get().status().code(), absl::StatusCode::kInternal);
}

TEST_F(PoolTest, AnAnswerThatTakesTooLongIsGivenUp) {
  options.answer_micros = 50'000;
  Start();
  EXPECT_EQ(Ask(Model("a@1", "holds"), "a").get().status().code(), absl::StatusCode::kInternal);
}

TEST_F(PoolTest, TheOneThatWasAskedLongestAgoMakesRoom) {
  Start();
  const int64_t each = 40 * kMiB;
  const std::string word = "echo-" + std::to_string(each);
  for (const char* ref : {"a@1", "b@1", "a@1", "c@1"})
    ASSERT_TRUE(Ask(Model(ref, word, each), "x").get().ok()) << ref;
  EXPECT_THAT(pool->Loaded(), ElementsAre("a@1", "c@1"));
}

TEST_F(PoolTest, OneThatHasToAnswerLeavesOnlyThen) {
  Start();
  const std::string holds = "holds-" + std::to_string(60 * kMiB);
  auto held = Ask(Model("a@1", holds, 60 * kMiB), "a");
  while (pool->Loaded().empty()) std::this_thread::yield();
  auto other = Ask(Model("b@1", "echo", 60 * kMiB), "b");
  while (!pool->Loaded().empty()) std::this_thread::yield();
  // It takes no more requests: this one waits for a process of its own.
  auto again = Ask(Model("a@1", holds, 60 * kMiB), "c");
  Go();
  EXPECT_EQ(held.get().value(), "a");
  EXPECT_EQ(other.get().value(), "b");
  EXPECT_EQ(again.get().value(), "c");
}

TEST_F(PoolTest, AModelLargerThanAllMemoryIsRefused) {
  Start();
  const absl::Status status = Ask(Model("a@1", "echo", 101 * kMiB), "a").get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("prediction_memory allows 100MiB"));
}

TEST_F(PoolTest, AModelThatSaysItIsLargerThanAllMemoryIsRefused) {
  Start();
  const std::string word = "echo-" + std::to_string(101 * kMiB);
  const absl::Status status = Ask(Model("a@1", word), "a").get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("takes about 101MiB, prediction_memory allows 100MiB"));
  EXPECT_THAT(pool->Loaded(), IsEmpty());
}

TEST_F(PoolTest, OneThatIsLargerThanEstimatedMakesOthersLeave) {
  Start();
  const std::string word = "echo-" + std::to_string(60 * kMiB);
  ASSERT_TRUE(Ask(Model("a@1", word), "x").get().ok());
  ASSERT_TRUE(Ask(Model("b@1", word), "x").get().ok());
  EXPECT_THAT(pool->Loaded(), ElementsAre("b@1"));
}

TEST_F(PoolTest, NoModelTakesLessThanItsWeights) {
  Start();
  auto modest = std::make_shared<Loadable>(*Model("a@1", "echo"));
  modest->weight_bytes = 60 * kMiB;
  ASSERT_TRUE(Ask(modest, "x").get().ok());
  ASSERT_TRUE(Ask(Model("b@1", "echo", 50 * kMiB), "x").get().ok());
  EXPECT_THAT(pool->Loaded(), ElementsAre("b@1"));
}

TEST_F(PoolTest, AnIdleVersionGoes) {
  options.idle_micros = 20'000;
  Start();
  ASSERT_TRUE(Ask(Model("a@1", "echo"), "a").get().ok());
  while (!pool->Loaded().empty()) std::this_thread::yield();
  EXPECT_TRUE(Ask(Model("a@1", "echo"), "a").get().ok());
}

TEST_F(PoolTest, MoreThanMayWaitIsRefused) {
  options.most_requests = 2;
  Start();
  auto first = Ask(Model("a@1", "holds"), "a");
  auto second = Ask(Model("a@1", "holds"), "b");
  EXPECT_EQ(Ask(Model("a@1", "holds"), "c").get().status().code(),
            absl::StatusCode::kResourceExhausted);
  Go();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

TEST_F(PoolTest, InputsAndAnswersTogetherAreWhatMayWait) {
  options.most_request_bytes = 10;
  Start();
  EXPECT_TRUE(Ask(Model("a@1", "echo"), "12345").get().ok());
  const absl::Status refused = Ask(Model("a@1", "echo"), "123456").get().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(support::RetryDelayOf(refused).has_value());
}

TEST_F(PoolTest, ClosingAnswersAllThatWaits) {
  Start();
  auto held = Ask(Model("a@1", "holds"), "a");
  auto loading = Ask(Model("b@1", "hangs"), "b");
  pool->Close();
  EXPECT_EQ(held.get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(loading.get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Ask(Model("a@1", "echo"), "a").get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(PoolTest, AProgramThatIsMissingIsTold) {
  options.program = "/nowhere/gradus-worker";
  Start();
  EXPECT_THAT(std::string(Ask(Model("a@1", "echo"), "a").get().status().message()),
              HasSubstr("/nowhere/gradus-worker"));
}

}  // namespace
}  // namespace gradus::serving
