// SPDX-License-Identifier: Apache-2.0
#include <random>
#include <set>

#include "tests/unit/server/store/store_fixture.h"

namespace gradus::store {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000;

class CollectorTest : public StoreFixture {
 protected:
  v1::BlobRef Put(const std::string& text) {
    auto ref = blobs_->Put(base::AsBytes(text));
    EXPECT_TRUE(ref.ok()) << ref.status();
    return ref.ok() ? *ref : v1::BlobRef();
  }

  void Refer(const v1::BlobRef& ref, const std::string& owner) {
    EXPECT_TRUE(
        store_->Write([&](Tx& tx) { return BlobStore::AddRef(tx, ref, "test", owner); }).ok());
  }

  void Drop(const std::string& owner) {
    EXPECT_TRUE(store_->Write([&](Tx& tx) { return BlobStore::DropRefs(tx, "test", owner); }).ok());
  }

  CollectReport Collect() {
    const auto report = blobs_->Collect();
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : CollectReport();
  }
};

TEST_F(CollectorTest, AReferencedBlobStays) {
  const v1::BlobRef ref = Put("kept");
  Refer(ref, "a");
  for (int day = 0; day < 5; ++day) {
    Collect();
    clock_.Advance(25 * kHour);
  }
  EXPECT_TRUE(*blobs_->Has(ref));
}

TEST_F(CollectorTest, AnUnreferencedBlobGoesADayAfterItWasMarked) {
  const v1::BlobRef ref = Put("lost");
  EXPECT_EQ(Collect().marked, 1);
  clock_.Advance(23 * kHour);
  EXPECT_EQ(Collect().removed, 0);
  clock_.Advance(kHour);
  const CollectReport report = Collect();
  EXPECT_EQ(report.removed, 1);
  EXPECT_EQ(report.removed_bytes, 4);
  EXPECT_FALSE(*blobs_->Has(ref));
  EXPECT_FALSE(*base::RealFiles().Exists(blobs_->PathOf(ref.sha256())));
}

TEST_F(CollectorTest, AReferenceAddedLateSavesAMarkedBlob) {
  const v1::BlobRef ref = Put("saved");
  Collect();
  clock_.Advance(30 * kHour);
  Refer(ref, "a");
  EXPECT_EQ(Collect().removed, 0);
  Drop("a");
  EXPECT_EQ(Collect().marked, 1);  // the day begins anew
  clock_.Advance(23 * kHour);
  EXPECT_EQ(Collect().removed, 0);
}

TEST_F(CollectorTest, StoringAgainBeginsTheDayAnew) {
  Put("again");
  Collect();
  clock_.Advance(30 * kHour);
  const v1::BlobRef ref = Put("again");
  EXPECT_EQ(Collect().removed, 0);
  EXPECT_TRUE(*blobs_->Has(ref));
}

// The files' own times are the machine's, which is later than the fake clock's start: turn it
// beyond them.
TEST_F(CollectorTest, AbandonedUploadsGo) {
  const v1::BlobRef ref = Put("whole");
  v1::BlobRef other = ref;
  other.set_sha256(std::string(64, 'a'));
  ASSERT_TRUE((*blobs_->Write(other))->Append(base::AsBytes("who")).ok());
  ASSERT_TRUE(blobs_->NewFile().ok());
  Refer(ref, "a");
  EXPECT_EQ(Collect().partials_removed, 0);
  clock_.Advance(base::RealClock().NowMicros() - clock_.NowMicros() + 25 * kHour);
  EXPECT_EQ(Collect().partials_removed, 2);
  EXPECT_TRUE(*blobs_->Has(ref));
}

TEST_F(CollectorTest, AFileThatNoRowKnowsGoes) {
  const v1::BlobRef ref = Put("stray");
  ASSERT_TRUE(store_->Write([&](Tx& tx) { return tx.Execute("DELETE FROM blobs"); }).ok());
  Collect();
  EXPECT_TRUE(*base::RealFiles().Exists(blobs_->PathOf(ref.sha256())));
  clock_.Advance(base::RealClock().NowMicros() - clock_.NowMicros() + 25 * kHour);
  Collect();
  EXPECT_FALSE(*base::RealFiles().Exists(blobs_->PathOf(ref.sha256())));
}

// Model check: the live set is computed here, independently of the references' table.
TEST_F(CollectorTest, NeverRemovesWhatIsReferenced) {
  std::mt19937 random(7);
  std::map<std::string, v1::BlobRef> held;  // owner -> blob
  for (int step = 0; step < 300; ++step) {
    const std::string owner = std::to_string(random() % 12);
    switch (random() % 4) {
      case 0:
        if (!held.contains(owner)) {
          held[owner] = Put("content " + std::to_string(random() % 8));
          Refer(held[owner], owner);
        }
        break;
      case 1:
        Drop(owner);
        held.erase(owner);
        break;
      case 2:
        clock_.Advance(static_cast<int64_t>(random() % 20) * kHour);
        break;
      case 3:
        Collect();
        break;
    }
    for (const auto& [who, ref] : held)
      ASSERT_TRUE(blobs_->Map(ref).ok()) << "step " << step << " owner " << who;
  }
}

}  // namespace
}  // namespace gradus::store
