// SPDX-License-Identifier: Apache-2.0
// What is PostgreSQL's own: which failure is which, text that it would not take, connections that
// go. Those that need a server run where GRADUS_TEST_STORE names one.
#include "server/store/postgres_connection.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/migrations.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::store {
namespace {

TEST(CodeOfSqlStateTest, TellsABrokenKeyABrokenRuleALostServerAndDamageApart) {
  EXPECT_EQ(CodeOfSqlState("23505"), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(CodeOfSqlState("23503"), absl::StatusCode::kFailedPrecondition);
  for (const char* state : {"", "08006", "57P01", "57014", "55P03", "53100", "53300", "40P01"})
    EXPECT_EQ(CodeOfSqlState(state), absl::StatusCode::kUnavailable) << state;
  EXPECT_EQ(CodeOfSqlState("XX001"), absl::StatusCode::kDataLoss);
  EXPECT_EQ(CodeOfSqlState("42601"), absl::StatusCode::kInternal);
}

TEST(StorableTextTest, LeavesUtf8AsItIsAndReplacesTheRest) {
  const std::string mark = "\xEF\xBF\xBD";
  for (const std::string good : {"", "plain", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x99\x82"})
    EXPECT_EQ(StorableText(good), good);
  EXPECT_EQ(StorableText(std::string("a\0b", 3)), "a" + mark + "b");
  EXPECT_EQ(StorableText("x\xFFy"), "x" + mark + "y");
  EXPECT_EQ(StorableText("cut \xE2\x82"), "cut " + mark + mark);
  EXPECT_EQ(StorableText("\xC0\xAF"), mark + mark) << "overlong";
  EXPECT_EQ(StorableText("\xED\xA0\x80"), mark + mark + mark) << "half a surrogate pair";
  EXPECT_EQ(StorableText("\xC3\xA4\x80\xC3\xB6"), "\xC3\xA4" + mark + "\xC3\xB6");
}

class PostgresTest : public StoreFixture {
 protected:
  void SetUp() override {
    if (!database_.on_postgres()) GTEST_SKIP() << "GRADUS_TEST_STORE names no server";
    StoreFixture::SetUp();
  }

  absl::Status Put(Store& store, const std::string& name) {
    return store.Write([&](Tx& tx) {
      return tx.Execute("INSERT INTO store_facts (name, value) VALUES (:n, '')", name);
    });
  }

  int64_t Rows() {
    int64_t rows = -1;
    const absl::Status status = store_->Read([&](ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(auto row, tx.QueryOne<int64_t>("SELECT COUNT(*) FROM store_facts"
                                                      " WHERE value = ''"));
      rows = std::get<0>(*row);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return rows;
  }

  std::unique_ptr<Store> Another() {
    StoreOptions options;
    options.url = database_.url();
    options.files = &base::RealFiles();
    options.clock = &clock_;
    auto store = Store::Open(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
};

TEST_F(PostgresTest, ConnectionsThatWereCutWhileIdleAreMadeAnew) {
  ASSERT_TRUE(Put(*store_, "a").ok());
  database_.CutConnections();
  EXPECT_TRUE(Put(*store_, "b").ok());
  EXPECT_EQ(Rows(), 2);
  EXPECT_EQ(faults_, 0);
}

TEST_F(PostgresTest, ATransactionThatIsCutIsUnavailableAndLeavesNothing) {
  const absl::Status status = store_->Write([&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute("INSERT INTO store_facts (name, value) VALUES ('a', '')"));
    database_.CutConnections();
    return tx.Execute("INSERT INTO store_facts (name, value) VALUES ('b', '')");
  });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_TRUE(store_->fault().ok());
  EXPECT_EQ(Rows(), 0);
  EXPECT_TRUE(Put(*store_, "c").ok());
}

TEST_F(PostgresTest, ACommitThatIsCutIsUnavailable) {
  const absl::Status status = store_->Write([&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute("INSERT INTO store_facts (name, value) VALUES ('a', '')"));
    database_.CutConnections();
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(Rows(), 0);
}

// A number that each transaction reads and then writes is lost by nobody.
TEST_F(PostgresTest, WritersOfSeveralStoresTakeTurns) {
  constexpr int kStores = 3;
  constexpr int kRounds = 30;
  std::vector<std::unique_ptr<Store>> stores;
  for (int i = 0; i < kStores; ++i) stores.push_back(Another());
  std::atomic<int> errors = 0;
  std::vector<std::thread> threads;
  for (const std::unique_ptr<Store>& store : stores) {
    threads.emplace_back([&errors, &store] {
      for (int i = 0; i < kRounds; ++i) {
        const absl::Status status = store->Write([](Tx& tx) -> absl::Status {
          ASSIGN_OR_RETURN(auto row, tx.QueryOne<int64_t>("SELECT value FROM counters"
                                                          " WHERE name = 'fence'"));
          return tx.Execute("UPDATE counters SET value = :v WHERE name = 'fence'",
                            std::get<0>(*row) + 1);
        });
        if (!status.ok()) ++errors;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
  int64_t value = 0;
  ASSERT_TRUE(store_
                  ->Read([&](ReadTx& tx) -> absl::Status {
                    ASSIGN_OR_RETURN(auto row, tx.QueryOne<int64_t>("SELECT value FROM counters"
                                                                    " WHERE name = 'fence'"));
                    value = std::get<0>(*row);
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(value, kStores * kRounds);
}

TEST_F(PostgresTest, StoresThatBeginTogetherAreOne) {
  CloseStore();
  database_.Clear();
  constexpr int kStores = 4;
  std::vector<std::unique_ptr<Store>> stores(kStores);
  std::vector<std::thread> threads;
  for (int i = 0; i < kStores; ++i) threads.emplace_back([&, i] { stores[i] = Another(); });
  for (std::thread& thread : threads) thread.join();
  for (const std::unique_ptr<Store>& store : stores) {
    ASSERT_NE(store, nullptr);
    EXPECT_EQ(store->id(), stores[0]->id());
  }
}

TEST_F(PostgresTest, HasNoBackupOfItsOwn) {
  const absl::Status status = store_->Backup(dir_ / "copy");
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("pg_dump"));
}

TEST(OpenPostgresTest, AMissingServerIsUnavailableAndItsPasswordIsNotTold) {
  const auto connection =
      OpenPostgres("postgresql://ann:s3cret@/lab?host=/nowhere/at/all", Access::kWriter);
  EXPECT_TRUE(absl::IsUnavailable(connection.status())) << connection.status();
  EXPECT_THAT(std::string(connection.status().message()),
              ::testing::Not(::testing::HasSubstr("s3cret")));
}

}  // namespace
}  // namespace gradus::store
