// SPDX-License-Identifier: Apache-2.0
#include "server/store/blobs.h"

#include <cerrno>

#include "engine/base/sha256.h"
#include "tests/support/failing_files.h"
#include "tests/unit/server/store/store_fixture.h"

namespace gradus::store {
namespace {

v1::BlobRef RefOf(std::string_view bytes) {
  v1::BlobRef ref;
  ref.set_sha256(base::Sha256Hex(bytes));
  ref.set_size(static_cast<int64_t>(bytes.size()));
  return ref;
}

std::string TextOf(const base::MappedFile& file) {
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.size());
}

class BlobsTest : public StoreFixture {
 protected:
  std::unique_ptr<BlobWriter> Open(const v1::BlobRef& ref, CommitGuard guard = nullptr) {
    auto writer = blobs_->Write(ref, std::move(guard));
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *std::move(writer) : nullptr;
  }

  const std::string text_ = std::string(10'000, 'x') + "end";
  const v1::BlobRef ref_ = RefOf(text_);
};

TEST_F(BlobsTest, AnUploadIsReadBack) {
  auto writer = Open(ref_);
  ASSERT_TRUE(writer->Append(base::AsBytes(text_)).ok());
  EXPECT_FALSE(*blobs_->Has(ref_));
  ASSERT_TRUE(writer->Commit().ok());
  EXPECT_TRUE(*blobs_->Has(ref_));
  EXPECT_EQ(TextOf(*blobs_->Map(ref_)), text_);
}

TEST_F(BlobsTest, AnUploadGoesOnWhereItBroke) {
  ASSERT_TRUE(Open(ref_)->Append(base::AsBytes(text_.substr(0, 6000))).ok());
  CloseStore();
  OpenStore();
  auto writer = Open(ref_);
  EXPECT_EQ(writer->committed(), 6000);
  ASSERT_TRUE(writer->Append(base::AsBytes(text_.substr(6000))).ok());
  EXPECT_TRUE(writer->Commit().ok());
  EXPECT_TRUE(blobs_->Map(ref_).ok());
}

TEST_F(BlobsTest, ANewerUploadTakesOver) {
  auto older = Open(ref_);
  auto newer = Open(ref_);
  EXPECT_TRUE(absl::IsAborted(older->Append(base::AsBytes(text_))));
  ASSERT_TRUE(newer->Append(base::AsBytes(text_)).ok());
  EXPECT_TRUE(newer->Commit().ok());
}

TEST_F(BlobsTest, OtherBytesThanTheDigestsAreRefusedAndDropped) {
  std::string other = text_;
  other[5] = 'y';
  auto writer = Open(ref_);
  ASSERT_TRUE(writer->Append(base::AsBytes(other)).ok());
  EXPECT_TRUE(absl::IsDataLoss(writer->Commit()));
  EXPECT_FALSE(*blobs_->Has(ref_));
  EXPECT_EQ(Open(ref_)->committed(), 0);
}

TEST_F(BlobsTest, MoreOrFewerBytesAreRefused) {
  auto writer = Open(ref_);
  ASSERT_TRUE(writer->Append(base::AsBytes(text_.substr(1))).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(writer->Commit()));
  EXPECT_TRUE(absl::IsOutOfRange(writer->Append(base::AsBytes("ab"))));
}

TEST_F(BlobsTest, AStoredBlobNeedsNoBytes) {
  ASSERT_TRUE(blobs_->Put(base::AsBytes(text_)).ok());
  auto writer = Open(ref_);
  EXPECT_EQ(writer->committed(), ref_.size());
  EXPECT_TRUE(writer->Commit().ok());
}

TEST_F(BlobsTest, TheGuardDecidesInTheSameTransaction) {
  const auto refuse = [](ReadTx&) { return absl::FailedPreconditionError("an older fence"); };
  auto writer = Open(ref_, refuse);
  ASSERT_TRUE(writer->Append(base::AsBytes(text_)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(writer->Commit()));
  EXPECT_FALSE(*blobs_->Has(ref_));
  ASSERT_TRUE(blobs_->Put(base::AsBytes(text_)).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Open(ref_, refuse)->Commit()));
}

TEST_F(BlobsTest, HostileRefsAreInvalid) {
  for (const std::string& sha : {std::string("../../../etc/passwd"), std::string(64, 'A'),
                                 std::string(63, 'a'), std::string(65, 'a'), std::string()}) {
    v1::BlobRef ref;
    ref.set_sha256(sha);
    ref.set_size(1);
    EXPECT_TRUE(absl::IsInvalidArgument(blobs_->Write(ref).status())) << sha;
    EXPECT_TRUE(absl::IsInvalidArgument(blobs_->Map(ref).status())) << sha;
  }
  v1::BlobRef negative = ref_;
  negative.set_size(-1);
  EXPECT_TRUE(absl::IsInvalidArgument(blobs_->Write(negative).status()));
}

TEST_F(BlobsTest, ADamagedFileIsFoundWhenItIsRead) {
  ASSERT_TRUE(blobs_->Put(base::AsBytes(text_)).ok());
  auto file = base::RealFiles().OpenWrite(blobs_->PathOf(ref_.sha256()), {});
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->WriteAt(5, base::AsBytes("y")).ok());
  EXPECT_TRUE(absl::IsDataLoss(blobs_->Map(ref_).status()));
  const auto findings = Verify(*store_, *blobs_);
  ASSERT_TRUE(findings.ok());
  EXPECT_EQ(findings->size(), 1u);
  ASSERT_TRUE((*file)->WriteAt(5, base::AsBytes("x")).ok());
}

TEST_F(BlobsTest, ReferencesNeedAStoredBlob) {
  EXPECT_TRUE(absl::IsFailedPrecondition(
      store_->Write([&](Tx& tx) { return BlobStore::AddRef(tx, ref_, "weights", "j1"); })));
  ASSERT_TRUE(blobs_->Put(base::AsBytes(text_)).ok());
  for (int twice = 0; twice < 2; ++twice) {
    EXPECT_TRUE(
        store_->Write([&](Tx& tx) { return BlobStore::AddRef(tx, ref_, "weights", "j1"); }).ok());
  }
}

// Whatever file operation fails, the upload says so, no sync is tried again, and the next try
// succeeds.
TEST_F(BlobsTest, AnyFailingOperationIsReportedAndLeavesNoHalfBlob) {
  for (const int error : {EIO, ENOSPC}) {
    for (uint64_t n = 1;; ++n) {
      CloseStore();
      ASSERT_TRUE(base::RemoveTree(base::RealFiles(), dir_ / "blobs").ok());
      database_.Clear();
      OpenStore();
      test_support::FailingFiles failing(base::RealFiles());
      auto blobs = BlobStore::Open(store_.get(), &failing, &clock_, dir_ / "blobs");
      ASSERT_TRUE(blobs.ok());
      failing.FailNth(n, test_support::kChangingOps, error);
      const auto put = (*blobs)->Put(base::AsBytes(text_));
      EXPECT_EQ(failing.retried_syncs(), 0u);
      if (!failing.failed()) {
        EXPECT_TRUE(put.ok());
        break;
      }
      EXPECT_FALSE(put.ok()) << "operation " << n;
      CloseStore();
      OpenStore();
      EXPECT_FALSE(*blobs_->Has(ref_));
      EXPECT_TRUE(blobs_->Put(base::AsBytes(text_)).ok());
      EXPECT_TRUE(blobs_->Map(ref_).ok());
    }
  }
}

}  // namespace
}  // namespace gradus::store
