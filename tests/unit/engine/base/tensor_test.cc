// SPDX-License-Identifier: Apache-2.0
// Shapes refuse what does not fit, views address what they say, arenas keep their blocks apart.
#include "engine/base/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/base/arena.h"

namespace gradus::base {
namespace {

using testing::ElementsAre;

TEST(Shape, CountsItsElements) {
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape({28, 28}).elements(), 784);
  EXPECT_EQ(Shape({3, 0, 5}).elements(), 0);
  EXPECT_EQ(*Shape({28, 28}).Bytes(4), 3136U);
}

TEST(Shape, RefusesHostileExtents) {
  constexpr int64_t kHuge = int64_t{1} << 32U;
  EXPECT_FALSE(Shape::Create(std::vector<int64_t>{-1}).ok());
  EXPECT_FALSE(Shape::Create(std::vector<int64_t>{kHuge, kHuge}).ok());
  EXPECT_FALSE(Shape::Create(std::vector<int64_t>{kHuge, 0, kHuge}).ok())
      << "a zero must not hide an overflow";
  EXPECT_FALSE(Shape::Create(std::vector<int64_t>(13, 1)).ok());
  const absl::StatusOr<Shape> largest =
      Shape::Create(std::vector<int64_t>{std::numeric_limits<int64_t>::max()});
  ASSERT_TRUE(largest.ok());
  EXPECT_FALSE(largest->Bytes(4).ok());
  EXPECT_FALSE(largest->WithLeading(2).ok());
}

TEST(Shape, PrintsAsPythonDoes) {
  EXPECT_EQ(Shape().ToString(), "()");
  EXPECT_EQ(Shape({100}).ToString(), "(100,)");
  EXPECT_EQ(Shape({28, 28}).ToString(), "(28, 28)");
}

TEST(Shape, LeadingExtentMakesABatch) {
  EXPECT_EQ(*Shape({28, 28}).WithLeading(32), Shape({32, 28, 28}));
  EXPECT_THAT(Shape({32, 28, 3}).RowMajorStrides(), ElementsAre(84, 3, 1));
}

TEST(DType, NamesReadBack) {
  for (int i = 0; i <= static_cast<int>(DType::kBool); ++i) {
    const auto type = static_cast<DType>(i);
    EXPECT_EQ(*ParseDType(NameOf(type)), type);
    EXPECT_GT(SizeOf(type), 0U);
  }
  EXPECT_EQ(SizeOf(DType::kBF16), 2U);
  EXPECT_FALSE(ParseDType("f32").ok());
}

TEST(TensorView, SeesTheOwnersElements) {
  std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const TensorView view(reinterpret_cast<std::byte*>(values.data()), DType::kF32, Shape({2, 3}));
  view.As<float>()[4] = 50;
  EXPECT_EQ(values[4], 50);
  EXPECT_EQ(view.bytes(), 24U);
  EXPECT_TRUE(view.Contiguous());
  const ConstTensorView reading = view;
  EXPECT_THAT(reading.As<float>(), ElementsAre(1, 2, 3, 4, 50, 6));
  EXPECT_FALSE(TensorView(view.data(), DType::kF32, Shape({3, 2}), {1, 3}).Contiguous());
}

TEST(ArenaLayout, BlocksAreAlignedAndApart) {
  ArenaLayout layout;
  const std::vector<size_t> sizes = {1, 64, 65, 0, 4096};
  size_t end = 0;
  for (const size_t size : sizes) {
    const size_t offset = *layout.Add("block", size);
    EXPECT_EQ(offset % ArenaLayout::kAlignment, 0U);
    EXPECT_GE(offset, end);
    end = offset + size;
  }
  EXPECT_GE(layout.total(), end);
  EXPECT_EQ(layout.blocks().size(), sizes.size());
}

TEST(ArenaLayout, ASumThatDoesNotFitChangesNothing) {
  ArenaLayout layout;
  ASSERT_TRUE(layout.Add("a", 100).ok());
  EXPECT_FALSE(layout.Add("b", SIZE_MAX - 64).ok());
  EXPECT_EQ(layout.total(), 128U);
  EXPECT_EQ(layout.blocks().size(), 1U);
}

TEST(Arena, IsZeroedAlignedAndCounted) {
  const size_t before = Arena::BytesInUse();
  {
    const Arena small = *Arena::Allocate(100);
    const Arena large = *Arena::Allocate(5 << 20U);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(small.data()) % 64, 0U);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(large.data()) % 64, 0U);
    EXPECT_THAT(large.At<uint64_t>(0, large.size() / 8), testing::Each(0U));
    EXPECT_EQ(Arena::BytesInUse() - before, 100U + (5 << 20U));
    EXPECT_GE(Arena::PeakBytesInUse(), Arena::BytesInUse());
    large.bytes().back() = std::byte{1};
  }
  EXPECT_EQ(Arena::BytesInUse(), before);
}

TEST(Arena, MovingKeepsTheMemory) {
  Arena first = *Arena::Allocate(64);
  std::byte* const data = first.data();
  Arena second = std::move(first);
  EXPECT_EQ(second.data(), data);
  second = *Arena::Allocate(128);
  EXPECT_EQ(second.size(), 128U);
}

TEST(Arena, TooMuchIsAnErrorNotADeath) {
  EXPECT_EQ(Arena::Allocate(size_t{1} << 60U).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(Arena::Allocate(SIZE_MAX).ok());
  EXPECT_EQ(Arena::Allocate(0)->size(), 0U);
}

TEST(ArenaDeathTest, WritingPagesBehindItFaults) {
  const Arena arena = *Arena::Allocate(4096);
  EXPECT_DEATH(arena.data()[4096] = std::byte{1}, "");
}

}  // namespace
}  // namespace gradus::base
