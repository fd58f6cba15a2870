// SPDX-License-Identifier: Apache-2.0
// Sizes and times from people are read exactly or refused with a reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/base/byte_size.h"
#include "engine/base/checked.h"
#include "engine/base/duration.h"

namespace gradus::base {
namespace {

TEST(ByteSize, ReadsWhatPeopleWrite) {
  EXPECT_EQ(*ParseByteSize("0"), 0U);
  EXPECT_EQ(*ParseByteSize("1024"), 1024U);
  EXPECT_EQ(*ParseByteSize("17B"), 17U);
  EXPECT_EQ(*ParseByteSize("4GiB"), uint64_t{4} << 30U);
  EXPECT_EQ(*ParseByteSize("4 GiB"), uint64_t{4} << 30U);
  EXPECT_EQ(*ParseByteSize("4G"), uint64_t{4} << 30U);
  EXPECT_EQ(*ParseByteSize("1.5GB"), 1500000000U);
  EXPECT_EQ(*ParseByteSize("0.5KiB"), 512U);
  EXPECT_EQ(*ParseByteSize("18446744073709551615"), UINT64_MAX);
}

TEST(ByteSize, RefusesTheRest) {
  for (const char* text :
       {"", " ", "GiB", "-1", "+1", "4gib", "4 GiB ", "1e9", "1..5G", "1.G", ".5G", "0x10",
        "18446744073709551616", "16777216TiB", "99999999999999999999999999", "4GiBx", "NaN", "inf",
        "1.0000000001GiB"}) {
    const absl::StatusOr<uint64_t> size = ParseByteSize(text);
    EXPECT_EQ(size.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(size.status().message()), testing::HasSubstr("is not a size such as"));
  }
}

TEST(ByteSize, MessagesStayShortForLongInput) {
  EXPECT_LT(ParseByteSize(std::string(100000, '9')).status().message().size(), 300U);
}

TEST(ByteSize, WritesForReading) {
  EXPECT_EQ(FormatByteSize(0), "0B");
  EXPECT_EQ(FormatByteSize(1023), "1023B");
  EXPECT_EQ(FormatByteSize(uint64_t{4} << 30U), "4GiB");
  EXPECT_EQ(FormatByteSize(1536 << 10U), "1.5MiB");
  EXPECT_EQ(FormatByteSize(UINT64_MAX), "16777215.9TiB");
}

TEST(Duration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(*ParseDuration("0"), 0);
  EXPECT_EQ(*ParseDuration("90s"), 90000000);
  EXPECT_EQ(*ParseDuration("1h30m"), 5400000000);
  EXPECT_EQ(*ParseDuration("2h"), 7200000000);
  EXPECT_EQ(*ParseDuration("7d"), int64_t{7} * 86400 * 1000000);
  EXPECT_EQ(*ParseDuration("1.5s250ms10us"), 1750010);
}

TEST(Duration, RefusesTheRest) {
  for (const char* text : {"", "5", "s", "-1s", "1s1h", "1s1s", "1 h", "1H", "1h30", "292471209d",
                           "9223372036854775808us", "1h\n", "one hour"}) {
    EXPECT_EQ(ParseDuration(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Duration, WhatIsWrittenReadsBack) {
  for (const int64_t micros : {int64_t{1}, int64_t{999}, int64_t{90000000}, int64_t{5400000000},
                               int64_t{86399999999}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(micros)), micros);
  }
  EXPECT_EQ(FormatDuration(5400000000), "1h30m");
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(-1500), "-1ms500us");
  EXPECT_EQ(FormatDuration(std::numeric_limits<int64_t>::min()).front(), '-');
}

TEST(Checked, OverflowIsAnError) {
  EXPECT_EQ(*CheckedMul<size_t>(6, 7), 42U);
  EXPECT_FALSE(CheckedMul<size_t>(SIZE_MAX / 2 + 1, 2).ok());
  EXPECT_FALSE(CheckedMul<int64_t>(std::numeric_limits<int64_t>::min(), -1).ok());
  EXPECT_FALSE(CheckedAdd<size_t>(SIZE_MAX, 1).ok());
  EXPECT_FALSE(CheckedSub<size_t>(1, 2).ok());
  EXPECT_EQ(*CheckedSub<size_t>(2, 2), 0U);
}

TEST(Checked, CastKeepsTheValueOrRefuses) {
  EXPECT_EQ(*CheckedCast<int32_t>(int64_t{-5}), -5);
  EXPECT_FALSE(CheckedCast<int32_t>(int64_t{1} << 31U).ok());
  EXPECT_FALSE(CheckedCast<size_t>(-1).ok());
  EXPECT_EQ(*CheckedCast<uint64_t>(std::numeric_limits<int64_t>::max()), uint64_t{1} * INT64_MAX);
}

TEST(Checked, AlignUpDoesNotWrap) {
  EXPECT_EQ(*CheckedAlignUp<size_t>(0, 64), 0U);
  EXPECT_EQ(*CheckedAlignUp<size_t>(65, 64), 128U);
  EXPECT_EQ(*CheckedAlignUp<size_t>(SIZE_MAX - 63, 64), SIZE_MAX - 63);
  EXPECT_FALSE(CheckedAlignUp<size_t>(SIZE_MAX - 62, 64).ok());
}

}  // namespace
}  // namespace gradus::base
