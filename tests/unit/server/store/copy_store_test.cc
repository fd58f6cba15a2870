// SPDX-License-Identifier: Apache-2.0
// A store that moves to PostgreSQL: every row, or nothing. Runs where GRADUS_TEST_STORE names a
// server.
#include "server/store/copy_store.h"

#include "absl/strings/str_cat.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::store {
namespace {

class CopyStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!target_.on_postgres()) GTEST_SKIP() << "GRADUS_TEST_STORE names no server";
  }

  std::unique_ptr<Store> Open(const std::string& path, const std::string& url) {
    StoreOptions options;
    options.path = path;
    options.url = url;
    options.files = &base::RealFiles();
    options.clock = &clock_;
    auto store = Store::Open(options);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // A store on the file with more rows than one statement or one look takes; its id.
  std::string Fill() {
    const auto store = Open(path_, "");
    const absl::Status filled = store->Write([](Tx& tx) -> absl::Status {
      for (const char* job : {"j1", "j2", "J3", "\u00e4"}) {
        RETURN_IF_ERROR(tx.Execute(
            "INSERT INTO event_logs (job, last_seq, closed) VALUES (:job, 1500, 0)", job));
        for (int seq = 1; seq <= 1500; ++seq) {
          RETURN_IF_ERROR(
              tx.Execute("INSERT INTO events (job, seq, kind, data) VALUES (:job, :seq, 1, :data)",
                         job, seq, absl::StrCat("it's event ", seq)));
        }
      }
      RETURN_IF_ERROR(
          tx.Execute("INSERT INTO blobs (sha256, size, stored_at, marked_at)"
                     " VALUES ('aa', :size, 2, NULL)",
                     INT64_MAX));
      return tx.Execute("UPDATE counters SET value = 77 WHERE name = 'fence'");
    });
    EXPECT_TRUE(filled.ok()) << filled;
    return store->id();
  }

  test_support::TempDir dir_;
  const std::string path_ = dir_ / "gradus.db";
  test_support::TestDatabase target_{dir_ / "unused.db"};
  test_support::FakeClock clock_;
};

TEST_F(CopyStoreTest, EveryRowMoves) {
  const std::string id = Fill();
  const auto copied = CopyStore(path_, target_.url());
  ASSERT_TRUE(copied.ok()) << copied.status();
  std::map<std::string, int64_t> rows;
  for (const CopiedTable& table : *copied) rows[table.name] = table.rows;
  EXPECT_EQ(rows["events"], 6000);
  EXPECT_EQ(rows["event_logs"], 4);
  EXPECT_EQ(rows["blobs"], 1);
  const auto store = Open("", target_.url());
  EXPECT_EQ(store->id(), id);
  const absl::Status read = store->Read([](ReadTx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto blob, (tx.QueryOne<int64_t, std::optional<int64_t>>(
                                    "SELECT size, marked_at FROM blobs WHERE sha256 = 'aa'")));
    EXPECT_EQ(*blob, std::make_tuple(INT64_MAX, std::optional<int64_t>()));
    ASSIGN_OR_RETURN(auto event, tx.QueryOne<std::string>("SELECT data FROM events WHERE job = :job"
                                                          " AND seq = 1500",
                                                          "\u00e4"));
    EXPECT_EQ(std::get<0>(*event), "it's event 1500");
    ASSIGN_OR_RETURN(auto fence,
                     tx.QueryOne<int64_t>("SELECT value FROM counters WHERE name = 'fence'"));
    EXPECT_EQ(std::get<0>(*fence), 77);
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
}

TEST_F(CopyStoreTest, TheSameRowsHaveTheSameHashes) {
  Fill();
  const auto first = CopyStore(path_, target_.url());
  target_.Clear();
  const auto second = CopyStore(path_, target_.url());
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  for (size_t i = 0; i < first->size(); ++i) EXPECT_EQ((*first)[i].sha256, (*second)[i].sha256);
}

TEST_F(CopyStoreTest, ATargetThatIsAStoreIsRefusedAndStaysAsItIs) {
  Fill();
  const std::string id = Open("", target_.url())->id();
  EXPECT_TRUE(absl::IsFailedPrecondition(CopyStore(path_, target_.url()).status()));
  EXPECT_EQ(Open("", target_.url())->id(), id);
}

TEST_F(CopyStoreTest, WhatCannotBeKeptAsItIsIsNotCopiedAtAll) {
  Fill();
  {
    const auto store = Open(path_, "");
    ASSERT_TRUE(store
                    ->Write([](Tx& tx) {
                      return tx.Execute(
                          "INSERT INTO store_facts (name, value) VALUES ('odd', :value)",
                          std::string("\xFF"));
                    })
                    .ok());
  }
  EXPECT_TRUE(absl::IsDataLoss(CopyStore(path_, target_.url()).status()));
  const auto connection = Connection::Open(target_.url(), Access::kReader);
  ASSERT_TRUE(connection.ok());
  EXPECT_FALSE(*(*connection)->HasTable("store_facts"));
}

TEST_F(CopyStoreTest, AMissingFileIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(CopyStore(dir_ / "none.db", target_.url()).status()));
}

}  // namespace
}  // namespace gradus::store
