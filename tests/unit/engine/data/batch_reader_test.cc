// SPDX-License-Identifier: Apache-2.0
#include "engine/data/batch_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "engine/data/shuffler.h"
#include "tests/support/memory_dataset.h"

namespace gradus::data {
namespace {

// Rows whose three inputs and whose class are the row's number.
std::shared_ptr<const View> Numbered(int32_t rows, TargetKind kind = TargetKind::kClasses) {
  test_support::MemoryDataset data("numbered");
  std::vector<int32_t> x;
  std::vector<int32_t> y;
  for (int32_t i = 0; i < rows; ++i) {
    x.insert(x.end(), {i, i, i});
    y.push_back(i);
  }
  data.Add<int32_t>("train", "x", "I32", {3}, x);
  data.Add<int32_t>("train", "y", "I32", {}, y);
  auto view = View::Open({}, "data.train", data.dataset(), data.opener(),
                         {.targets = {{kind, kind == TargetKind::kValues ? 1 : rows, false}}});
  EXPECT_TRUE(view.ok()) << view.status();
  return std::make_shared<const View>(*std::move(view));
}

struct Seen {
  int64_t epoch;
  int64_t step;
  std::vector<int32_t> rows;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> ReadAll(std::shared_ptr<const View> view, BatchReader::Options options) {
  auto reader = BatchReader::Create(view, std::move(options));
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<Seen> seen;
  while (const Batch* batch = (*reader)->Next()) {
    Seen one{batch->epoch, batch->step, {}};
    for (int64_t i = 0; i < batch->rows; ++i) {
      const int32_t row = static_cast<const int32_t*>(batch->targets)[i];
      for (int64_t element = 0; element < 3; ++element)
        EXPECT_EQ(batch->inputs[3 * i + element], static_cast<float>(row));
      one.rows.push_back(row);
    }
    seen.push_back(std::move(one));
  }
  EXPECT_EQ((*reader)->Next(), nullptr);
  return seen;
}

BatchReader::Options Shuffled(int64_t epochs) {
  return {.batch_size = 7, .shuffle = true, .seed = 9, .end_epoch = epochs};
}

TEST(BatchReader, GivesEveryEpochsRowsInTheShufflersOrderWithASmallerLastBatch) {
  const std::vector<Seen> seen = ReadAll(Numbered(40), Shuffled(3));
  ASSERT_EQ(seen.size(), 18U);
  Shuffler shuffler(40, true, 9);
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<int32_t> rows;
    for (int64_t step = 0; step < 6; ++step) {
      const Seen& batch = seen[static_cast<size_t>(6 * epoch + step)];
      EXPECT_EQ(batch.epoch, epoch);
      EXPECT_EQ(batch.step, step);
      EXPECT_EQ(batch.rows.size(), step == 5 ? 5U : 7U);
      rows.insert(rows.end(), batch.rows.begin(), batch.rows.end());
    }
    const auto order = shuffler.Order(epoch);
    EXPECT_EQ(rows, std::vector<int32_t>(order.begin(), order.end()));
  }
}

TEST(BatchReader, StartsAtAnyPosition) {
  const auto view = Numbered(40);
  const std::vector<Seen> whole = ReadAll(view, Shuffled(3));
  for (size_t position = 0; position <= whole.size(); ++position) {
    BatchReader::Options options = Shuffled(3);
    options.first_epoch = static_cast<int64_t>(position) / 6;
    options.first_step = static_cast<int64_t>(position) % 6;
    EXPECT_EQ(ReadAll(view, options),
              std::vector<Seen>(whole.begin() + static_cast<ptrdiff_t>(position), whole.end()))
        << position;
  }
}

TEST(BatchReader, TheEndOfAnEpochIsTheStartOfTheNext) {
  const auto view = Numbered(40);
  BatchReader::Options options = Shuffled(2);
  options.first_step = 6;
  const std::vector<Seen> seen = ReadAll(view, options);
  ASSERT_EQ(seen.size(), 6U);
  EXPECT_EQ(seen[0].epoch, 1);
}

TEST(BatchReader, TheSmallestRingGivesTheSameBatches) {
  const auto view = Numbered(500);
  BatchReader::Options options = Shuffled(4);
  const std::vector<Seen> wide = ReadAll(view, options);
  options.ring_bytes = 1;
  EXPECT_EQ(ReadAll(view, options), wide);
}

TEST(BatchReader, ABatchMayBeLargerThanTheView) {
  const std::vector<Seen> seen = ReadAll(Numbered(5), {.batch_size = 1 << 20, .end_epoch = 2});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].rows, (std::vector<int32_t>{0, 1, 2, 3, 4}));
}

TEST(BatchReader, ABatchStaysUntilTheNextCall) {
  auto reader =
      BatchReader::Create(Numbered(5000), {.batch_size = 10, .end_epoch = 1, .ring_bytes = 1});
  ASSERT_TRUE(reader.ok()) << reader.status();
  for (int32_t step = 0; step < 500; ++step) {
    const Batch* batch = (*reader)->Next();
    ASSERT_NE(batch, nullptr);
    for (int spin = 0; spin < 50; ++spin)
      ASSERT_EQ(static_cast<const volatile float*>(batch->inputs)[0],
                static_cast<float>(10 * step));
  }
}

TEST(BatchReader, GivesValuesAsTargets) {
  auto reader =
      BatchReader::Create(Numbered(10, TargetKind::kValues), {.batch_size = 4, .end_epoch = 1});
  ASSERT_TRUE(reader.ok()) << reader.status();
  (*reader)->Next();
  const Batch* batch = (*reader)->Next();
  EXPECT_EQ(static_cast<const float*>(batch->targets)[1], 5.0f);
}

TEST(BatchReader, CanBeDroppedAtAnyMoment) {
  const auto view = Numbered(1000);
  for (int taken = 0; taken < 30; ++taken) {
    auto reader =
        BatchReader::Create(view, {.batch_size = 3, .shuffle = true, .end_epoch = 1 << 20});
    ASSERT_TRUE(reader.ok()) << reader.status();
    for (int i = 0; i < taken; ++i) (*reader)->Next();
  }
}

// One block of each input, one behind the other, and so for targets; weights beside them.
TEST(BatchReader, PutsInputsAndTargetsOneBehindTheOther) {
  test_support::MemoryDataset data("several");
  data.Add<float>("train", "a", "F32", {2}, {0, 1, 10, 11, 20, 21});
  data.Add<float>("train", "b", "F32", {}, {5, 6, 7});
  data.Add<uint8_t>("train", "kind", "U8", {}, {2, 0, 1});
  data.Add<float>("train", "size", "F32", {}, {0.5, 1.5, 2.5});
  data.Add<float>("train", "w", "F32", {}, {1, 2, 3});
  v1::DataView spec;
  spec.set_sample_weight("w");
  auto view = View::Open(spec, "data.train", data.dataset(), data.opener(),
                         {.inputs = {{"a"}, {"b"}},
                          .targets = {{TargetKind::kClasses, 3, false, "kind"},
                                      {TargetKind::kValues, 1, false, "size"}}});
  ASSERT_TRUE(view.ok()) << view.status();
  const auto reader = BatchReader::Create(std::make_shared<const View>(*std::move(view)),
                                          {.batch_size = 2, .shuffle = false});
  ASSERT_TRUE(reader.ok()) << reader.status();
  const Batch* batch = (*reader)->Next();
  ASSERT_NE(batch, nullptr);
  EXPECT_THAT(std::vector(batch->inputs, batch->inputs + 6),
              ::testing::ElementsAre(0, 1, 10, 11, 5, 6));
  const auto* classes = static_cast<const int32_t*>(batch->targets);
  EXPECT_THAT(std::vector(classes, classes + 2), ::testing::ElementsAre(2, 0));
  const auto* sizes = reinterpret_cast<const float*>(classes + 2);
  EXPECT_THAT(std::vector(sizes, sizes + 2), ::testing::ElementsAre(0.5, 1.5));
  EXPECT_THAT(std::vector(batch->weights, batch->weights + 2), ::testing::ElementsAre(1, 2));
  batch = (*reader)->Next();
  ASSERT_NE(batch, nullptr);
  ASSERT_EQ(batch->rows, 1);
  EXPECT_THAT(std::vector(batch->inputs, batch->inputs + 3), ::testing::ElementsAre(20, 21, 7));
}

}  // namespace
}  // namespace gradus::data
