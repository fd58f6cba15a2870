// SPDX-License-Identifier: Apache-2.0
// No rank makes another one take more memory than that allows. What goes well is a property of
// every group (group_properties.cc).
#include "engine/collective/gather.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/collective/ranks.h"

namespace gradus::collective {
namespace {

TEST(Broadcast, SendsNothingThatIsTooLong) {
  WithRanks(1, [](Group& group) {
    std::string value(101, 'x');
    EXPECT_TRUE(absl::IsResourceExhausted(Broadcast(group, 0, 0, {}, 100, value)));
  });
}

TEST(Broadcast, TakesNothingThatIsTooLong) {
  WithRanks(2, [](Group& group) {
    // As a root would that had another limit.
    std::string value(group.rank() == 0 ? 101 : 3, 'x');
    const int other = 1;
    const absl::Status status =
        Broadcast(group, 0, 0, std::span(&other, 1), group.rank() == 0 ? 1000 : 100, value);
    if (group.rank() == 0) {
      EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
    } else {
      EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
      EXPECT_EQ(value, "xxx");
    }
  });
}

}  // namespace
}  // namespace gradus::collective
