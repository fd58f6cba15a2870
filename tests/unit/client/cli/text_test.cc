// SPDX-License-Identifier: Apache-2.0
#include "client/cli/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradus::cli {
namespace {

TEST(Text, Numbers) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(-123456), "-123,456");
  EXPECT_EQ(Grouped(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
  EXPECT_EQ(ByteSize(1023), "1023 B");
  EXPECT_EQ(ByteSize(1536), "1.5 KiB");
  EXPECT_EQ(ByteSize(int64_t{5} << 40), "5.0 TiB");
  EXPECT_EQ(Metric(0.9), "0.9000");
  EXPECT_EQ(Metric(0.00012), "1.2000e-04");
  EXPECT_EQ(Metric(NAN), "nan");
}

TEST(Text, Times) {
  EXPECT_EQ(Clock(absl::Seconds(7)), "0:07");
  EXPECT_EQ(Clock(absl::Seconds(3723)), "1:02:03");
  EXPECT_EQ(Clock(absl::Seconds(-5)), "0:00");
  EXPECT_EQ(Lasting(absl::Milliseconds(850)), "0.8 s");
  EXPECT_EQ(Lasting(absl::Seconds(59)), "59 s");
  EXPECT_EQ(Lasting(absl::Seconds(185)), "3 min 5 s");
  EXPECT_EQ(Lasting(absl::Seconds(7380)), "2 h 3 min");
}

TEST(Text, TypesAreWrittenAsInKeras) {
  EXPECT_EQ(CamelCase("batch_normalization"), "BatchNormalization");
}

}  // namespace
}  // namespace gradus::cli
