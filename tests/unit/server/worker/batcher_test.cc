// SPDX-License-Identifier: Apache-2.0
// Who waits together is computed together, and each gets the answer of its own rows.
#include "server/worker/batcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <new>
#include <semaphore>
#include <thread>

namespace gradus::worker {
namespace {

using ::testing::ElementsAre;

// Inputs of 2 and 1 values, outputs of 1 and 2: a + b; c, -c.
class BatcherTest : public ::testing::Test {
 protected:
  BatcherTest() {
    BatchModel model{.inputs = {2, 1}, .outputs = {1, 2}, .max_rows = 8, .predict = {}};
    model.predict = [this](const float* inputs, int64_t rows, float* outputs) {
      sizes.push_back(rows);
      computing.release();
      if (held) go_on.acquire();
      if (!error.ok()) return error;
      if (no_memory) throw std::bad_alloc();
      for (int64_t row = 0; row < rows; ++row) {
        outputs[row] = inputs[2 * row] + inputs[2 * row + 1];
        outputs[rows + 2 * row] = inputs[2 * rows + row];
        outputs[rows + 2 * row + 1] = -inputs[2 * rows + row];
      }
      return absl::OkStatus();
    };
    batcher = std::make_unique<Batcher>(std::move(model), [this](const v1::ServeAnswer& answer) {
      if (too_large && !answer.outputs().empty()) throw std::bad_alloc();
      order.push_back(answer.id());
      answers[answer.id()] = answer;
      answered.release();
    });
  }
  ~BatcherTest() override { Finish(); }

  static std::string Bytes(const std::vector<float>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
  }
  // Rows (first + i, 10 * (first + i)) and first + i.
  void Add(uint64_t id, int64_t rows, float first) {
    std::vector<float> values;
    for (int64_t row = 0; row < rows; ++row) {
      values.push_back(first + static_cast<float>(row));
      values.push_back(10 * (first + static_cast<float>(row)));
    }
    for (int64_t row = 0; row < rows; ++row) values.push_back(first + static_cast<float>(row));
    v1::ServeRequest request;
    request.set_id(id);
    request.set_rows(rows);
    request.set_inputs(Bytes(values));
    batcher->Add(request);
  }
  static std::string Expected(int64_t rows, float first) {
    std::vector<float> values;
    for (int64_t row = 0; row < rows; ++row)
      values.push_back(11 * (first + static_cast<float>(row)));
    for (int64_t row = 0; row < rows; ++row) {
      values.push_back(first + static_cast<float>(row));
      values.push_back(-(first + static_cast<float>(row)));
    }
    return Bytes(values);
  }
  void Start() {
    thread = std::thread([this] { batcher->Run(); });
  }
  void Await(int count) {
    for (int i = 0; i < count; ++i) answered.acquire();
  }
  void Finish() {
    if (!thread.joinable()) return;
    batcher->Stop();
    thread.join();
  }

  std::vector<int64_t> sizes;
  std::vector<uint64_t> order;
  std::map<uint64_t, v1::ServeAnswer> answers;
  absl::Status error;
  std::atomic<bool> held = false;
  std::atomic<bool> no_memory = false;
  bool too_large = false;  // answers with outputs cannot be delivered
  std::counting_semaphore<> answered{0}, computing{0}, go_on{0};
  std::unique_ptr<Batcher> batcher;
  std::thread thread;
};

TEST_F(BatcherTest, OneThatIsAloneIsComputedByItself) {
  Add(1, 1, 5);
  Start();
  Await(1);
  EXPECT_THAT(sizes, ElementsAre(1));
  EXPECT_EQ(answers[1].outputs(), Expected(1, 5));
}

TEST_F(BatcherTest, ThoseThatWaitAreOneBatchAndEachGetsItsOwnRows) {
  Add(1, 2, 100);
  Add(2, 1, 200);
  Add(3, 3, 300);
  Start();
  Await(3);
  EXPECT_THAT(sizes, ElementsAre(8));  // 6 rows, filled up
  EXPECT_EQ(answers[1].outputs(), Expected(2, 100));
  EXPECT_EQ(answers[2].outputs(), Expected(1, 200));
  EXPECT_EQ(answers[3].outputs(), Expected(3, 300));
}

TEST_F(BatcherTest, WhatComesDuringABatchIsGatheredIntoTheNext) {
  held = true;
  Add(1, 1, 1);
  Start();
  computing.acquire();
  for (uint64_t id = 2; id <= 5; ++id) Add(id, 1, static_cast<float>(id));
  held = false;
  go_on.release();
  Await(5);
  EXPECT_THAT(sizes, ElementsAre(1, 4));
  for (uint64_t id = 1; id <= 5; ++id)
    EXPECT_EQ(answers[id].outputs(), Expected(1, static_cast<float>(id)));
}

TEST_F(BatcherTest, ALargeRequestLetsThoseBehindItHaveTheirTurn) {
  Add(1, 20, 1);
  Add(2, 1, 7);
  Start();
  Await(2);
  // 8 of the large one; the small one and 7 more; the rest.
  EXPECT_THAT(sizes, ElementsAre(8, 8, 8));
  EXPECT_THAT(order, ElementsAre(2, 1));
  EXPECT_EQ(answers[1].outputs(), Expected(20, 1));
  EXPECT_EQ(answers[2].outputs(), Expected(1, 7));
}

TEST_F(BatcherTest, AnErrorIsToldToAllOfItsBatch) {
  error = absl::ResourceExhaustedError("no memory");
  Add(1, 1, 1);
  Add(2, 9, 1);
  Start();
  Await(2);
  for (const uint64_t id : {1, 2}) {
    EXPECT_EQ(answers[id].code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
    EXPECT_EQ(answers[id].message(), "no memory");
    EXPECT_TRUE(answers[id].outputs().empty());
  }
}

TEST_F(BatcherTest, WhereMemoryDoesNotDoItGoesOn) {
  const auto exhausted = static_cast<int>(absl::StatusCode::kResourceExhausted);
  no_memory = true;
  Start();
  Add(1, 1, 1);
  Await(1);
  EXPECT_EQ(answers[1].code(), exhausted);
  EXPECT_EQ(answers[1].message(), "no memory for a batch");
  no_memory = false;
  Add(2, 1, 1);
  Await(1);
  EXPECT_EQ(answers[2].outputs(), Expected(1, 1));
}

TEST_F(BatcherTest, AnAnswerThatCannotBeSentIsARefusal) {
  too_large = true;
  Add(1, 1, 1);
  Start();
  Await(1);
  EXPECT_EQ(answers[1].code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
}

TEST_F(BatcherTest, BytesThatAreNotTheRowsAreRefused) {
  for (const int64_t rows : {int64_t{0}, int64_t{-1}, int64_t{3}, INT64_MAX}) {
    v1::ServeRequest request;
    request.set_id(9);
    request.set_rows(rows);
    request.set_inputs(std::string(24, '\0'));
    batcher->Add(request);
    EXPECT_EQ(answers[9].code(), static_cast<int>(absl::StatusCode::kInvalidArgument)) << rows;
  }
}

}  // namespace
}  // namespace gradus::worker
