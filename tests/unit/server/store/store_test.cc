// SPDX-License-Identifier: Apache-2.0
#include "server/store/store.h"

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/server/store/store_fixture.h"

namespace gradus::store {
namespace {

class StoreTest : public StoreFixture {
 protected:
  absl::Status Put(const std::string& name, const std::string& value) {
    return store_->Write([&](Tx& tx) {
      return tx.Execute("INSERT INTO store_facts (name, value) VALUES (:n, :v)", name, value);
    });
  }

  std::optional<std::string> Get(const std::string& name) {
    std::optional<std::string> value;
    const absl::Status status = store_->Read([&](ReadTx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(auto row, tx.QueryOne<std::string>(
                                     "SELECT value FROM store_facts WHERE name = :n", name));
      if (row.has_value()) value = std::get<0>(*row);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return value;
  }
};

TEST_F(StoreTest, AReadAfterAWriteSeesIt) {
  ASSERT_TRUE(Put("a", "1").ok());
  EXPECT_EQ(Get("a"), "1");
}

TEST_F(StoreTest, WhatWasCommittedIsThereAfterReopening) {
  ASSERT_TRUE(Put("a", "1").ok());
  const std::string id = store_->id();
  CloseStore();
  OpenStore();
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(store_->id(), id);
}

TEST_F(StoreTest, AFailedBodyLeavesNothing) {
  bool hook_ran = false;
  const absl::Status status = store_->Write([&](Tx& tx) -> absl::Status {
    tx.OnCommit([&] { hook_ran = true; });
    RETURN_IF_ERROR(tx.Execute("INSERT INTO store_facts (name, value) VALUES ('a', 'x')"));
    return absl::CancelledError("changed my mind");
  });
  EXPECT_TRUE(absl::IsCancelled(status));
  EXPECT_EQ(Get("a"), std::nullopt);
  EXPECT_FALSE(hook_ran);
}

TEST_F(StoreTest, ABrokenKeyIsAlreadyExistsAndHarmsNothingElse) {
  ASSERT_TRUE(Put("a", "1").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Put("a", "2")));
  EXPECT_TRUE(Put("b", "3").ok());
  EXPECT_EQ(Get("a"), "1");
  EXPECT_TRUE(store_->fault().ok());
}

TEST_F(StoreTest, ABrokenReferenceIsFailedPrecondition) {
  EXPECT_TRUE(absl::IsFailedPrecondition(store_->Write([&](Tx& tx) {
    return tx.Execute("INSERT INTO blob_refs (sha256, kind, owner) VALUES ('no', 'x', 'y')");
  })));
}

TEST_F(StoreTest, ValuesComeBackAsTheyWere) {
  const std::string text = "quote ' colon : percent % newline \n ümlaut";
  ASSERT_TRUE(Put("text", text).ok());
  EXPECT_EQ(Get("text"), text);
  const absl::Status status = store_->Read([&](ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(
        auto row,
        (tx.QueryOne<int64_t, int64_t, double, std::string, std::optional<int64_t>>(
            "SELECT CAST(:a AS BIGINT), CAST(:b AS BIGINT), CAST(:c AS DOUBLE PRECISION), :d, :e",
            INT64_MAX, INT64_MIN, 0.1, "", std::optional<int64_t>())));
    if (!row.has_value()) return absl::NotFoundError("no row");
    EXPECT_EQ(*row,
              std::make_tuple(INT64_MAX, INT64_MIN, 0.1, std::string(), std::optional<int64_t>()));
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(StoreTest, HooksRunAfterTheCommitWithoutTheWriteLock) {
  std::optional<std::string> seen;
  ASSERT_TRUE(store_
                  ->Write([&](Tx& tx) {
                    tx.OnCommit([&] {
                      seen = Get("a");
                      EXPECT_TRUE(Put("b", "from the hook").ok());
                    });
                    return tx.Execute("INSERT INTO store_facts (name, value) VALUES ('a', '1')");
                  })
                  .ok());
  EXPECT_EQ(seen, "1");
}

TEST_F(StoreTest, AReaderKeepsItsSnapshot) {
  ASSERT_TRUE(Put("a", "1").ok());
  const absl::Status status = store_->Read([&](ReadTx& tx) -> absl::Status {
    const auto count = [&]() -> int64_t {
      auto row = tx.QueryOne<int64_t>("SELECT COUNT(*) FROM store_facts");
      return row.ok() && row->has_value() ? std::get<0>(**row) : -1;
    };
    const int64_t before = count();
    std::thread writer([&] { EXPECT_TRUE(Put("b", "2").ok()); });
    writer.join();
    EXPECT_EQ(count(), before);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok());
}

TEST_F(StoreTest, ManyThreadsReadAndWriteWithoutAnyError) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 40;
  std::atomic<int> errors = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const std::string name = std::to_string(t) + "/" + std::to_string(i);
        if (!Put(name, "x").ok()) ++errors;
        if (Get(name) != "x") ++errors;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
}

TEST_F(StoreTest, ABackupIsAWholeStore) {
  ASSERT_TRUE(Put("a", "1").ok());
  const absl::Status backup = store_->Backup(dir_ / "copy.db");
  ASSERT_TRUE(backup.ok()) << backup;
  StoreOptions options;
  options.path = dir_ / "copy.db";
  options.files = &base::RealFiles();
  options.clock = &clock_;
  const auto copy = Store::Open(options);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ((*copy)->id(), store_->id());
}

TEST_F(StoreTest, NothingIsKeptWhereAStatementFailed) {
  ASSERT_TRUE(Put("a", "1").ok());
  const absl::Status status = store_->Write([&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Execute("INSERT INTO store_facts (name, value) VALUES ('b', '1')"));
    tx.Execute("INSERT INTO store_facts (name, value) VALUES ('a', '2')").IgnoreError();
    return absl::OkStatus();
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(Get("b"), std::nullopt);
  EXPECT_EQ(Get("a"), "1");
}

TEST_F(StoreTest, MessagesHaveNoValues) {
  ASSERT_TRUE(Put("secret name", "1").ok());
  const absl::Status status = Put("secret name", "secret value");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("INSERT INTO store_facts"));
  EXPECT_THAT(std::string(status.message()), ::testing::Not(::testing::HasSubstr("secret")));
}

TEST_F(StoreTest, TextIsInTheOrderOfItsBytes) {
  for (const char* name : {"a", "B", "_", "~", "\u00e4"}) ASSERT_TRUE(Put(name, "order").ok());
  std::vector<std::tuple<std::string>> names;
  ASSERT_TRUE(store_
                  ->Read([&](ReadTx& tx) -> absl::Status {
                    ASSIGN_OR_RETURN(names, tx.Query<std::string>("SELECT name FROM store_facts"
                                                                  " WHERE value = 'order'"
                                                                  " ORDER BY name"));
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_THAT(names, ::testing::ElementsAre("B", "_", "a", "~", "\u00e4"));
}

TEST_F(StoreTest, AfterAFaultEverythingIsRefused) {
  ASSERT_TRUE(Put("a", "1").ok());
  store_->Poison(absl::DataLossError("the disk has gone"));
  EXPECT_EQ(faults_, 1);
  EXPECT_TRUE(absl::IsDataLoss(Put("b", "2")));
  EXPECT_TRUE(absl::IsDataLoss(store_->Read([](ReadTx&) { return absl::OkStatus(); })));
  EXPECT_TRUE(absl::IsDataLoss(store_->fault()));
  store_->Poison(absl::DataLossError("again"));
  EXPECT_EQ(faults_, 1);
}

}  // namespace
}  // namespace gradus::store
