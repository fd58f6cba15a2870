// SPDX-License-Identifier: Apache-2.0
// Which address a rank gives to the others. The loopback is the one that each machine has.
#include "engine/collective/own_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::collective {
namespace {

std::string Found(const std::string& network, const std::string& server) {
  const auto address = OwnAddress(network, server);
  return address.ok() ? *address : std::string(address.status().message());
}

TEST(OwnAddress, OfAnInterface) { EXPECT_EQ(Found("lo", ""), "127.0.0.1"); }

TEST(OwnAddress, InsideASubnet) {
  EXPECT_EQ(Found("127.0.0.0/8", ""), "127.0.0.1");
  EXPECT_EQ(Found("127.0.0.1/32", ""), "127.0.0.1");
  EXPECT_TRUE(absl::IsNotFound(OwnAddress("127.0.0.2/32", "").status()));
}

TEST(OwnAddress, AnAddressIsTakenAsItIs) {
  EXPECT_EQ(Found("192.0.2.7", ""), "192.0.2.7");
  EXPECT_EQ(Found("2001:db8::7", ""), "2001:db8::7");
}

TEST(OwnAddress, TowardsTheServer) {
  EXPECT_EQ(Found("", "127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(Found("", "127.3.2.1"), "127.0.0.1");
  EXPECT_EQ(Found("", ""), "127.0.0.1");
}

TEST(OwnAddress, SaysWhatIsWrong) {
  for (const char* network :
       {"10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "/8", "10.0.0.0/-1", "10.0.0.0/8x"})
    EXPECT_TRUE(absl::IsInvalidArgument(OwnAddress(network, "").status())) << network;
  const auto missing = OwnAddress("eth77", "");
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_THAT(std::string(missing.status().message()), testing::HasSubstr("eth77"));
}

}  // namespace
}  // namespace gradus::collective
