// SPDX-License-Identifier: Apache-2.0
#include "server/api/call_places.h"

#include <vector>

#include "gtest/gtest.h"
#include "proto/support/status.h"

namespace gradus::api {
namespace {

TEST(CallPlaces, OneCallerGetsItsShareAndOthersStillGetTheirs) {
  CallPlaces places(4, 2);
  std::vector<CallPlaces::Hold> held;
  for (int i = 0; i < 2; ++i) held.push_back(*places.Take("ann"));
  const absl::Status refused = places.Take("ann").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_TRUE(support::RetryDelayOf(refused).has_value());
  EXPECT_TRUE(places.Take("bob").ok());
}

TEST(CallPlaces, AllTogetherGetNoMoreThanThereAre) {
  CallPlaces places(3, 2);
  std::vector<CallPlaces::Hold> held;
  for (const char* who : {"ann", "bob", "cid"}) held.push_back(*places.Take(who));
  EXPECT_TRUE(absl::IsResourceExhausted(places.Take("dan").status()));
  held.pop_back();
  EXPECT_TRUE(places.Take("dan").ok());
}

TEST(CallPlaces, APlaceIsGivenBackOnceHoweverItMoves) {
  CallPlaces places(1, 1);
  {
    CallPlaces::Hold first = *places.Take("ann");
    CallPlaces::Hold second = std::move(first);
    CallPlaces::Hold third;
    third = std::move(second);
    EXPECT_FALSE(places.Take("ann").ok());
  }
  EXPECT_TRUE(places.Take("ann").ok());
  EXPECT_TRUE(places.Take("ann").ok());
}

}  // namespace
}  // namespace gradus::api
