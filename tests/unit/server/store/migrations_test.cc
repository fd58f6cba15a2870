// SPDX-License-Identifier: Apache-2.0
#include "server/store/migrations.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/support/test_database.h"

namespace gradus::store {
namespace {

class MigrationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto writer = Connection::Open(database_.where(), Access::kWriter);
    ASSERT_TRUE(writer.ok()) << writer.status();
    writer_ = *std::move(writer);
  }

  test_support::TempDir dir_;
  test_support::TestDatabase database_{dir_ / "test.db"};
  std::unique_ptr<Connection> writer_;
  const Migration first_ = {1, "first",
                            "CREATE TABLE schema_version (version BIGINT);\n"
                            "INSERT INTO schema_version (version) VALUES (0);\n"};
};

TEST_F(MigrationsTest, NumbersAreConsecutiveFromOne) {
  int expected = 1;
  for (const Migration& migration : Migrations())
    EXPECT_EQ(migration.version, expected++) << migration.name;
}

TEST_F(MigrationsTest, AppliesOnlyWhatIsMissing) {
  const Migration steps[] = {first_,
                             {2, "second", "-- a comment;\nCREATE TABLE two (\n  a BIGINT\n);\n"}};
  ASSERT_TRUE(Migrate(*writer_, std::span(steps).first(1)).ok());
  EXPECT_EQ(*SchemaVersion(*writer_), 1);
  ASSERT_TRUE(Migrate(*writer_, steps).ok());
  ASSERT_TRUE(Migrate(*writer_, steps).ok());
  EXPECT_EQ(*SchemaVersion(*writer_), 2);
  EXPECT_TRUE(*writer_->HasTable("two"));
}

TEST_F(MigrationsTest, AFailingStepLeavesTheVersionBefore) {
  const Migration steps[] = {
      first_, {2, "second", "CREATE TABLE two (a BIGINT);\nCREATE TABLE two (a BIGINT);\n"}};
  EXPECT_FALSE(Migrate(*writer_, steps).ok());
  EXPECT_EQ(*SchemaVersion(*writer_), 1);
  EXPECT_FALSE(*writer_->HasTable("two"));
}

TEST_F(MigrationsTest, RefusesANewerDatabase) {
  const Migration steps[] = {first_, {2, "second", "CREATE TABLE two (a BIGINT);\n"}};
  ASSERT_TRUE(Migrate(*writer_, steps).ok());
  const absl::Status status = Migrate(*writer_, std::span(steps).first(1));
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(std::string(status.message()).find("newer"), std::string::npos) << status;
}

TEST_F(MigrationsTest, AReaderCannotWrite) {
  ASSERT_TRUE(Migrate(*writer_, std::span(&first_, 1)).ok());
  const auto reader = Connection::Open(database_.where(), Access::kReader);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_FALSE((*reader)->Run("INSERT INTO schema_version (version) VALUES (7)").ok());
}

}  // namespace
}  // namespace gradus::store
