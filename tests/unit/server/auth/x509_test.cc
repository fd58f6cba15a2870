// SPDX-License-Identifier: Apache-2.0
// Certificates: what is signed verifies, what is not does not.
#include "server/auth/x509.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gradus::auth {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kSecond = 1'000'000;
constexpr Validity kYear{.from_micros = 1'700'000'000 * kSecond,
                         .until_micros = 1'731'000'000 * kSecond};

TEST(X509, SignedCertificateBelongsToItsAuthorityAlone) {
  const auto authority = MakeAuthority("one", kYear);
  const auto other = MakeAuthority("one", kYear);
  ASSERT_TRUE(authority.ok()) << authority.status();
  ASSERT_TRUE(other.ok());
  const auto made = Sign(*authority, {.common_name = "client"}, kYear);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_TRUE(CheckIdentity(*made, authority->cert_pem).ok());
  EXPECT_EQ(CheckIdentity(*made, other->cert_pem).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(X509, AKeyOfAnotherCertificateIsRefused) {
  const auto authority = MakeAuthority("one", kYear);
  ASSERT_TRUE(authority.ok());
  const auto a = Sign(*authority, {.common_name = "a"}, kYear);
  const auto b = Sign(*authority, {.common_name = "b"}, kYear);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_FALSE(
      CheckIdentity({.cert_pem = a->cert_pem, .key_pem = b->key_pem}, authority->cert_pem).ok());
}

TEST(X509, NamesAndTimesAreThoseAskedFor) {
  const auto authority = MakeAuthority("one", kYear);
  ASSERT_TRUE(authority.ok());
  const auto made = Sign(*authority,
                         {.common_name = "server",
                          .dns_names = {"localhost", "a,DNS:b"},
                          .ip_addresses = {"127.0.0.1", "::1"},
                          .server = true},
                         kYear);
  ASSERT_TRUE(made.ok()) << made.status();
  const auto facts = Inspect(made->cert_pem);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->common_name, "server");
  EXPECT_THAT(facts->dns_names, ElementsAre("localhost", "a,DNS:b"));
  EXPECT_THAT(facts->ip_addresses, ElementsAre("127.0.0.1", "::1"));
  EXPECT_EQ(facts->validity.from_micros, kYear.from_micros);
  EXPECT_EQ(facts->validity.until_micros, kYear.until_micros);
}

TEST(X509, HostileTextIsAnErrorNotACrash) {
  const auto authority = MakeAuthority("one", kYear);
  ASSERT_TRUE(authority.ok());
  EXPECT_FALSE(Inspect("").ok());
  EXPECT_FALSE(Inspect(authority->key_pem).ok());
  EXPECT_FALSE(Inspect(authority->cert_pem.substr(0, authority->cert_pem.size() / 2)).ok());
  EXPECT_EQ(
      Sign(*authority, {.common_name = "x", .ip_addresses = {"300.1.1.1"}}, kYear).status().code(),
      absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(Sign({.cert_pem = "x", .key_pem = "y"}, {.common_name = "x"}, kYear).ok());
}

}  // namespace
}  // namespace gradus::auth
