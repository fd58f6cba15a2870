// SPDX-License-Identifier: Apache-2.0
#include "engine/data/column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace gradus::data {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const base::MappedFile> Bytes(size_t count) {
  auto bytes = std::make_shared<std::string>(count, '\1');
  return std::make_shared<const base::MappedFile>(std::as_bytes(std::span<const char>(*bytes)),
                                                  [bytes] {});
}

v1::Column Description(const std::string& dtype, std::initializer_list<int64_t> shape) {
  v1::Column column;
  column.set_name("x");
  column.set_dtype(dtype);
  for (int64_t extent : shape) column.add_shape(extent);
  return column;
}

TEST(MappedColumn, FindsRowsInPlace) {
  const auto file = Bytes(3 * 2 * 4 * 2);
  const auto column = MappedColumn::Open(Description("I16", {2, 4}), 3, file);
  ASSERT_TRUE(column.ok()) << column.status();
  EXPECT_EQ(column->row_elements(), 8);
  EXPECT_EQ(column->Row(2), file->bytes().data() + 32);
  EXPECT_EQ(column->IntegerAt(1), 0x0101);
}

TEST(MappedColumn, RefusesBytesThatAreNotItsRows) {
  for (size_t size : {0, 23, 25, 48}) {
    const auto column = MappedColumn::Open(Description("U8", {8}), 3, Bytes(size));
    EXPECT_EQ(column.status().code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_THAT(std::string(column.status().message()), HasSubstr("take 24"));
  }
}

TEST(MappedColumn, RefusesHostileDescriptions) {
  const int64_t huge = std::numeric_limits<int64_t>::max() / 2;
  EXPECT_FALSE(MappedColumn::Open(Description("U8", {huge, 4}), 1, Bytes(8)).ok());
  EXPECT_FALSE(MappedColumn::Open(Description("F64", {huge}), 1, Bytes(8)).ok());
  EXPECT_FALSE(MappedColumn::Open(Description("F64", {2}), huge, Bytes(8)).ok());
  EXPECT_FALSE(MappedColumn::Open(Description("U8", {0}), 1, Bytes(8)).ok());
  EXPECT_FALSE(MappedColumn::Open(Description("U8", {-8}), -1, Bytes(8)).ok());
  EXPECT_FALSE(MappedColumn::Open(Description("BF16", {4}), 1, Bytes(8)).ok());
  EXPECT_FALSE(MappedColumn::Open(Description("", {8}), 1, Bytes(8)).ok());
}

TEST(MappedColumn, TellsFractionsFromWholeNumbers) {
  auto values = std::make_shared<std::vector<float>>(
      std::vector<float>{3.0f, 2.5f, std::numeric_limits<float>::quiet_NaN(), 1e30f});
  auto file = std::make_shared<const base::MappedFile>(
      std::as_bytes(std::span<const float>(*values)), [values] {});
  const auto column = MappedColumn::Open(Description("F32", {}), 4, file);
  ASSERT_TRUE(column.ok()) << column.status();
  EXPECT_EQ(column->IntegerAt(0), 3);
  EXPECT_EQ(column->IntegerAt(1), std::nullopt);
  EXPECT_EQ(column->IntegerAt(2), std::nullopt);
  EXPECT_EQ(column->IntegerAt(3), std::nullopt);
}

}  // namespace
}  // namespace gradus::data
