// SPDX-License-Identifier: Apache-2.0
#include "engine/data/view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "engine/base/status.h"
#include "tests/support/memory_dataset.h"

namespace gradus::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Ten rows of two bytes, (i, 10 i), with labels 0 1 2 0 1 2 0 1 2 5.
test_support::MemoryDataset Ten() {
  test_support::MemoryDataset data("ten");
  std::vector<uint8_t> x;
  for (uint8_t i = 0; i < 10; ++i) x.insert(x.end(), {i, static_cast<uint8_t>(10 * i)});
  data.Add<uint8_t>("train", "x", "U8", {2}, x);
  data.Add<uint8_t>("train", "y", "U8", {}, {0, 1, 2, 0, 1, 2, 0, 1, 2, 5});
  return data;
}

absl::StatusOr<View> Open(test_support::MemoryDataset data, const v1::DataView& spec,
                          TargetNeeds needs = {TargetKind::kClasses, 6, false}) {
  return View::Open(spec, "data.train", data.dataset(), data.opener(),
                    {.targets = {std::move(needs)}});
}

// The first input of each row: its stored number.
std::vector<float> RowsOf(const View& view) {
  std::vector<float> rows;
  for (int64_t i = 0; i < view.rows(); ++i) {
    std::vector<float> row(static_cast<size_t>(view.input_elements()));
    view.GatherInput(i, row.data());
    rows.push_back(row[0]);
  }
  return rows;
}

std::vector<int32_t> ClassesOf(const View& view) {
  std::vector<int32_t> classes;
  for (int64_t i = 0; i < view.rows(); ++i) classes.push_back(view.GatherClass(i));
  return classes;
}

void ExpectRefused(const absl::StatusOr<View>& view, const std::string& field,
                   const std::string& text) {
  ASSERT_EQ(view.status().code(), absl::StatusCode::kInvalidArgument) << view.status();
  EXPECT_EQ(base::FieldOf(view.status()), field);
  EXPECT_THAT(std::string(view.status().message()), HasSubstr(text));
}

TEST(View, TakesAllRowsByDefault) {
  const auto view = Open(Ten(), {});
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->rows(), 10);
  EXPECT_EQ(view->input_elements(), 2);
  EXPECT_THAT(ClassesOf(*view), ElementsAre(0, 1, 2, 0, 1, 2, 0, 1, 2, 5));
}

TEST(View, WithoutTargetsLabelsOnlyPickRowsAndNeedNotBeThere) {
  const ViewNeeds none;
  const auto open = [&none](test_support::MemoryDataset data, const v1::DataView& view) {
    return View::Open(view, "data.train", data.dataset(), data.opener(), none);
  };
  test_support::MemoryDataset bare("bare");
  bare.Add<uint8_t>("train", "x", "U8", {2}, {0, 0, 1, 10, 2, 20});
  const auto view = open(bare, {});
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_THAT(RowsOf(*view), ElementsAre(0, 1, 2));
  v1::DataView spec;
  spec.add_labels(5);
  spec.add_labels(2);
  ExpectRefused(open(bare, spec), "data.train", "no column \"y\"");
  const auto picked = open(Ten(), spec);
  ASSERT_TRUE(picked.ok()) << picked.status();
  EXPECT_THAT(RowsOf(*picked), ElementsAre(2, 5, 8, 9));
}

TEST(View, AppliesRangeThenLabelsThenTakeAndRenumbersInTheOrderGiven) {
  v1::DataView spec;
  spec.add_range(1);
  spec.add_range(9);
  spec.add_labels(2);
  spec.add_labels(0);
  spec.set_take(4);
  const auto view = Open(Ten(), spec, {TargetKind::kClasses, 2, false});
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_THAT(RowsOf(*view), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(ClassesOf(*view), ElementsAre(0, 1, 0, 1));
}

TEST(View, ScalesAndOffsets) {
  v1::DataView spec;
  spec.set_scale(0.5);
  spec.set_offset(-1.0);
  spec.set_take(1);
  spec.add_range(4);
  spec.add_range(10);
  const auto view = Open(Ten(), spec);
  ASSERT_TRUE(view.ok()) << view.status();
  float row[2];
  view->GatherInput(0, row);
  EXPECT_THAT(row, ElementsAre(1.0f, 19.0f));
}

TEST(View, MakesOneHotRowsOfRenumberedClasses) {
  v1::DataView spec;
  spec.add_labels(5);
  spec.add_labels(1);
  const auto view = Open(Ten(), spec, {TargetKind::kDistributions, 3, false});
  ASSERT_TRUE(view.ok()) << view.status();
  float row[3];
  view->GatherTarget(0, row);
  EXPECT_THAT(row, ElementsAre(0, 1, 0));
  view->GatherTarget(3, row);
  EXPECT_THAT(row, ElementsAre(1, 0, 0));
}

TEST(View, GivesRenumberedClassesAsValues) {
  v1::DataView spec;
  spec.add_labels(2);
  spec.add_labels(0);
  const auto view = Open(Ten(), spec, {TargetKind::kValues, 1, true});
  ASSERT_TRUE(view.ok()) << view.status();
  float target = -1;
  view->GatherTarget(0, &target);
  EXPECT_EQ(target, 1.0f);
  view->GatherTarget(1, &target);
  EXPECT_EQ(target, 0.0f);
}

TEST(View, RefusesRangesOutsideTheRows) {
  for (const std::vector<int64_t>& range :
       std::vector<std::vector<int64_t>>{{0, 11}, {5, 5}, {6, 5}, {-1, 5}, {3}, {0, 1, 2}}) {
    v1::DataView spec;
    for (int64_t end : range) spec.add_range(end);
    ExpectRefused(Open(Ten(), spec), "data.train.range", "0 <= first < end <= 10");
  }
}

TEST(View, RefusesALabelThatDoesNotOccur) {
  v1::DataView spec;
  spec.add_labels(1);
  spec.add_labels(7);
  ExpectRefused(Open(Ten(), spec), "data.train.labels[1]", "7");
}

TEST(View, AllowsALabelThatOccursOutsideTheRangeOnly) {
  v1::DataView spec;
  spec.add_range(0);
  spec.add_range(5);
  spec.add_labels(1);
  spec.add_labels(5);
  const auto view = Open(Ten(), spec);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_THAT(RowsOf(*view), ElementsAre(1, 4));
}

TEST(View, RefusesAClassNamedTwice) {
  v1::DataView spec;
  spec.add_labels(1);
  spec.add_labels(1);
  ExpectRefused(Open(Ten(), spec), "data.train.labels[1]", "1");
}

TEST(View, RefusesToTakeMoreThanIsLeft) {
  v1::DataView spec;
  spec.add_labels(0);
  for (int64_t take : {0, 4, -1}) {
    spec.set_take(take);
    ExpectRefused(Open(Ten(), spec), "data.train.take", "1 to 3");
  }
}

TEST(View, RefusesARangeInWhichNoRowIsLeft) {
  v1::DataView spec;
  spec.add_range(0);
  spec.add_range(1);
  spec.add_labels(5);
  ExpectRefused(Open(Ten(), spec), "data.train", "no row is left");
}

TEST(View, RefusesLabelsOutsideTheClasses) {
  ExpectRefused(Open(Ten(), {}, {TargetKind::kClasses, 5, false}), "data.train",
                "label 5 of stored row 9 is not 0 to 4");
  ExpectRefused(Open(Ten(), {}, {TargetKind::kDistributions, 5, false}), "data.train",
                "label 5 of stored row 9");
}

TEST(View, RefusesTargetsThatAreNoProbabilities) {
  ExpectRefused(Open(Ten(), {}, {TargetKind::kValues, 1, true}), "data.train",
                "target 2 of stored row 2 is not 0 to 1");
  EXPECT_TRUE(Open(Ten(), {}, {TargetKind::kValues, 1, false}).ok());
}

TEST(View, RefusesTargetsOfAnotherWidth) {
  ExpectRefused(Open(Ten(), {}, {TargetKind::kValues, 3, false}), "data.train",
                "has 1 values a row, but the model's output has 3");
}

TEST(View, RefusesScalesThatAreNotFinite) {
  v1::DataView spec;
  spec.set_scale(std::numeric_limits<double>::quiet_NaN());
  ExpectRefused(Open(Ten(), spec), "data.train.scale", "nan");
  spec.set_scale(1e300);
  ExpectRefused(Open(Ten(), spec), "data.train.scale", "1e+300");
}

TEST(View, RefusesASplitThatIsNotThere) {
  v1::DataView spec;
  spec.set_split("test");
  ExpectRefused(Open(Ten(), spec), "data.train.split", "which has \"train\"");
}

// Rows of one number a column: two inputs, two targets, a weight.
test_support::MemoryDataset Several() {
  test_support::MemoryDataset data("several");
  data.Add<float>("train", "wide", "F32", {3}, {0, 1, 2, 10, 11, 12, 20, 21, 22, 30, 31, 32});
  data.Add<uint8_t>("train", "deep", "U8", {1}, {5, 6, 7, 8});
  data.Add<uint8_t>("train", "kind", "U8", {}, {2, 0, 2, 1});
  data.Add<float>("train", "size", "F32", {2}, {0, 1, 2, 3, 4, 5, 6, 7});
  data.Add<float>("train", "w", "F32", {}, {1, 0.5, 0, 4});
  data.Add<float>("train", "bad", "F32", {}, {1, -0.5, 0, 4});
  return data;
}

ViewNeeds SeveralNeeds() {
  return {.inputs = {{"deep"}, {"wide", 1, 3}},
          .targets = {{TargetKind::kClasses, 3, false, "kind"},
                      {TargetKind::kValues, 2, false, "size"}},
          .labels = "kind"};
}

absl::StatusOr<View> OpenSeveral(const v1::DataView& spec, const ViewNeeds& needs) {
  test_support::MemoryDataset data = Several();
  return View::Open(spec, "data.train", data.dataset(), data.opener(), needs);
}

TEST(View, GathersEachInputAndEachTargetFromItsColumn) {
  v1::DataView spec;
  spec.add_labels(1);
  spec.add_labels(2);
  spec.set_scale(2);
  const auto view = OpenSeveral(spec, SeveralNeeds());
  ASSERT_TRUE(view.ok()) << view.status();
  ASSERT_EQ(view->rows(), 3);  // stored 0, 2, 3
  EXPECT_EQ(view->inputs(), 2);
  EXPECT_EQ(view->input_elements(), 3);
  EXPECT_EQ(view->target_elements(), 3);
  float deep = 0;
  float wide[2];
  float size[2];
  view->GatherInput(1, &deep, 0);
  view->GatherInput(1, wide, 1);
  EXPECT_EQ(deep, 14);
  EXPECT_THAT(wide, ElementsAre(42, 44));
  EXPECT_EQ(view->GatherClass(1, 0), 1);
  EXPECT_EQ(view->GatherClass(2, 0), 0);
  view->GatherTarget(1, size, 1);
  EXPECT_THAT(size, ElementsAre(4, 5));
  EXPECT_FALSE(view->weighted());
}

TEST(View, WeighsRowsByTheirOwnWeightAndTheirClass) {
  v1::DataView spec;
  spec.set_sample_weight("w");
  ViewNeeds needs = SeveralNeeds();
  needs.class_weight = {{2, 3.0}, {1, 0.25}};
  const auto view = OpenSeveral(spec, needs);
  ASSERT_TRUE(view.ok()) << view.status();
  ASSERT_TRUE(view->weighted());
  std::vector<float> weights;
  for (int64_t i = 0; i < view->rows(); ++i) weights.push_back(view->GatherWeight(i));
  EXPECT_THAT(weights, ElementsAre(3, 0.5, 0, 1));
}

TEST(View, AClassIsTheLargestValueOrAWholeOne) {
  ViewNeeds needs = SeveralNeeds();
  needs.class_weight = {{1, 7.0}};
  std::swap(needs.targets[0], needs.targets[1]);  // "size": the second value is the larger one
  const auto largest = OpenSeveral({}, needs);
  ASSERT_TRUE(largest.ok()) << largest.status();
  EXPECT_EQ(largest->GatherWeight(0), 7);
  needs.targets = {{TargetKind::kValues, 1, false, "w"}};
  const auto whole = OpenSeveral({}, needs);
  ExpectRefused(whole, "data.train", "the target of stored row 1 is no class");
}

TEST(View, RefusesWeightsThatAreNone) {
  v1::DataView spec;
  spec.set_sample_weight("bad");
  ExpectRefused(OpenSeveral(spec, SeveralNeeds()), "data.train.sample_weight",
                "weight -0.5 of stored row 1 is not a finite number, 0 or more");
  spec.set_sample_weight("size");
  ExpectRefused(OpenSeveral(spec, SeveralNeeds()), "data.train.sample_weight", "one weight");
}

TEST(View, RefusesPartsThatAreNotThere) {
  ViewNeeds needs = SeveralNeeds();
  needs.inputs[1].end = 4;
  ExpectRefused(OpenSeveral({}, needs), "data.train", "column \"wide\" has no part [1, 4)");
  needs.inputs[1].column = "kind";
  ExpectRefused(OpenSeveral({}, needs), "data.train", "column \"kind\" has no part [1, 4)");
}

}  // namespace
}  // namespace gradus::data
