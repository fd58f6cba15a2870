// SPDX-License-Identifier: Apache-2.0
#include "server/store/postgres_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(PostgresUrlTest, PathsAreNone) {
  EXPECT_TRUE(IsPostgresUrl("postgresql://ann@db:5432/lab"));
  EXPECT_FALSE(IsPostgresUrl("/var/lib/gradus/gradus.db"));
  EXPECT_FALSE(IsPostgresUrl("mysql://ann@db/lab"));
}

TEST(PostgresUrlTest, APasswordIsKnownAndNotShown) {
  for (const char* url :
       {"postgresql://ann:s3cret@db:5432/lab", "postgresql://ann@db:5432/lab?password=s3cret"}) {
    const auto read = ReadPostgresUrl(url);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(read->has_password);
    EXPECT_EQ(read->shown, "postgresql://ann@db:5432/lab");
    EXPECT_THAT(read->target, HasSubstr("s3cret"));
  }
  EXPECT_FALSE(ReadPostgresUrl("postgresql://ann@db/lab")->has_password);
}

TEST(PostgresUrlTest, OwnParametersGoBeforeOurs) {
  const auto read = ReadPostgresUrl("postgresql:///lab?host=/run/pg&connect_timeout=9");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->target, HasSubstr("connect_timeout=9"));
  EXPECT_THAT(read->target, HasSubstr("keepalives_idle="));
  EXPECT_THAT(read->target, HasSubstr("host=%2Frun%2Fpg"));
}

TEST(PostgresUrlTest, WhatIsWrittenIsReadBack) {
  const auto read = ReadPostgresUrl("postgresql://a%20n:p%25%26%3D%20w@db/l%2Fb");
  ASSERT_TRUE(read.ok()) << read.status();
  const auto again = ReadPostgresUrl(read->target);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->target, read->target);
  EXPECT_THAT(read->target, Not(HasSubstr(" "))) << "SOCI would cut it there";
}

TEST(PostgresUrlTest, WhatCannotBeReadIsNotRepeated) {
  const auto read = ReadPostgresUrl("postgresql://ann:s3cret@db:5432/lab?no_such_thing=1");
  EXPECT_TRUE(absl::IsInvalidArgument(read.status()));
  EXPECT_THAT(std::string(read.status().message()), Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace gradus::store
