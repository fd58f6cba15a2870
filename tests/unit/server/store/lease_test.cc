// SPDX-License-Identifier: Apache-2.0
#include "server/store/lease.h"

#include "tests/unit/server/store/store_fixture.h"

namespace gradus::store {
namespace {

class LeaseTest : public StoreFixture {
 protected:
  // As if the holder had been silent for the lease's length.
  void RunOut() {
    ASSERT_TRUE(
        store_->Write([](Tx& tx) { return tx.Execute("UPDATE leases SET expires_at = 1"); }).ok());
  }
  absl::Status Check(const Lease& lease) {
    return store_->Read([&](ReadTx& tx) { return lease.CheckHeld(tx); });
  }
};

TEST_F(LeaseTest, OneHoldsIt) {
  Lease a(*store_, "lead", "a", "a:1");
  Lease b(*store_, "lead", "b", "b:1");
  EXPECT_TRUE(*a.Renew());
  EXPECT_FALSE(*b.Renew());
  EXPECT_TRUE(*a.Renew());
  EXPECT_TRUE(Check(a).ok());
  EXPECT_TRUE(absl::IsAborted(Check(b)));
  const auto holder = b.Holder();
  ASSERT_TRUE(holder.ok());
  EXPECT_EQ(holder->id, "a");
  EXPECT_EQ(holder->address, "a:1");
}

TEST_F(LeaseTest, OneThatRanOutIsTakenAndItsHolderIsRefused) {
  Lease a(*store_, "lead", "a", "a:1");
  Lease b(*store_, "lead", "b", "b:1");
  ASSERT_TRUE(*a.Renew());
  const int64_t number = a.Holder()->number;
  RunOut();
  EXPECT_EQ(a.Holder()->id, "");
  EXPECT_TRUE(*b.Renew());
  EXPECT_GT(b.Holder()->number, number);
  EXPECT_TRUE(absl::IsAborted(Check(a)));
  EXPECT_FALSE(*a.Renew());
  EXPECT_TRUE(Check(b).ok());
}

TEST_F(LeaseTest, OneThatRanOutUnnoticedIsKept) {
  Lease a(*store_, "lead", "a", "a:1");
  ASSERT_TRUE(*a.Renew());
  const int64_t number = a.Holder()->number;
  RunOut();
  EXPECT_TRUE(*a.Renew());
  EXPECT_EQ(a.Holder()->number, number);
}

TEST_F(LeaseTest, WhoBeganAgainTakesItsOwnAtOnceUnderANewNumber) {
  Lease before(*store_, "lead", "a", "a:1");
  ASSERT_TRUE(*before.Renew());
  Lease after(*store_, "lead", "a", "a:2");
  EXPECT_TRUE(*after.Renew());
  EXPECT_TRUE(Check(after).ok());
  EXPECT_TRUE(absl::IsAborted(Check(before)));
}

TEST_F(LeaseTest, OneThatIsLetGoIsFree) {
  Lease a(*store_, "lead", "a", "a:1");
  Lease b(*store_, "lead", "b", "b:1");
  ASSERT_TRUE(*a.Renew());
  ASSERT_TRUE(a.Release().ok());
  EXPECT_TRUE(absl::IsAborted(Check(a)));
  EXPECT_TRUE(*b.Renew());
  EXPECT_TRUE(a.Release().ok()) << "it is another's now";
  EXPECT_TRUE(Check(b).ok());
}

}  // namespace
}  // namespace gradus::store
