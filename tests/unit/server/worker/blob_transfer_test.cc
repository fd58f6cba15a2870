// SPDX-License-Identifier: Apache-2.0
#include "server/worker/blob_transfer.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "engine/base/sha256.h"
#include "tests/support/link_fixture.h"

namespace gradus::worker {
namespace {

std::string Content(size_t size) {
  std::string content(size, '\0');
  for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 2654435761U >> 13);
  return content;
}

v1::BlobRef RefOf(const std::string& content) {
  v1::BlobRef ref;
  ref.set_sha256(base::Sha256Hex(std::string_view(content)));
  ref.set_size(static_cast<int64_t>(content.size()));
  return ref;
}

class BlobTransferTest : public ::testing::Test, protected test_support::LinkFixture {
 protected:
  std::string Write(const std::string& content) {
    EXPECT_TRUE(base::WriteFileAtomically(base::RealFiles(), dir / "up", content).ok());
    return dir / "up";
  }
  std::string ReadBack() {
    return base::ReadFile(base::RealFiles(), dir / "down", size_t{1} << 30).value_or("?");
  }

  ServerLink link_{Config(), test_support::PlainChannel, base::RealFiles(), base::RealClock()};
  BlobTransfer transfer_{link_, base::RealFiles(), base::SystemRandom()};
};

TEST_F(BlobTransferTest, MovesABlobUpAndDown) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{1'000'000}}) {
    const std::string content = Content(size);
    const absl::Status up = transfer_.Upload(Write(content), RefOf(content));
    ASSERT_TRUE(up.ok()) << up;
    EXPECT_TRUE(server.HasBlob(RefOf(content).sha256()));
    const absl::Status down = transfer_.Fetch(RefOf(content), dir / "down");
    ASSERT_TRUE(down.ok()) << down;
    EXPECT_EQ(ReadBack(), content);
  }
}

TEST_F(BlobTransferTest, AnUploadThatIsCutGoesOnWhereTheServerStands) {
  server.CutTransfersAfter(2);
  const std::string content = Content(2'000'000);
  const absl::Status up = transfer_.Upload(Write(content), RefOf(content));
  ASSERT_TRUE(up.ok()) << up;
  EXPECT_EQ(server.Blob(RefOf(content).sha256()), content);
  EXPECT_EQ(server.fault(), "");
}

TEST_F(BlobTransferTest, AFetchThatIsCutGoesOnWhereItStands) {
  const std::string content = Content(500'000);
  server.AddBlob(content);
  server.SetChunkBytes(50'000);
  server.CutTransfersAfter(3);
  const absl::Status down = transfer_.Fetch(RefOf(content), dir / "down");
  ASSERT_TRUE(down.ok()) << down;
  EXPECT_EQ(ReadBack(), content);
}

TEST_F(BlobTransferTest, AFetchGoesOnFromAnEarlierProcessesPart) {
  const std::string content = Content(500'000);
  server.AddBlob(content);
  ASSERT_TRUE(
      base::WriteFileAtomically(base::RealFiles(), dir / "down.part", content.substr(0, 300'000))
          .ok());
  ASSERT_TRUE(transfer_.Fetch(RefOf(content), dir / "down").ok());
  EXPECT_EQ(ReadBack(), content);
}

TEST_F(BlobTransferTest, ADamagedPartIsFoundAndFetchedAnewTheNextTime) {
  const std::string content = Content(100'000);
  server.AddBlob(content);
  ASSERT_TRUE(
      base::WriteFileAtomically(base::RealFiles(), dir / "down.part", std::string(50'000, 'x'))
          .ok());
  EXPECT_EQ(transfer_.Fetch(RefOf(content), dir / "down").code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(transfer_.Fetch(RefOf(content), dir / "down").ok());
  EXPECT_EQ(ReadBack(), content);
}

TEST_F(BlobTransferTest, SurvivesARestartOfTheServerElsewhere) {
  const std::string content = Content(1'000'000);
  server.Stop();
  std::thread upload([&] {
    const absl::Status up = transfer_.Upload(Write(content), RefOf(content));
    EXPECT_TRUE(up.ok()) << up;
  });
  server.Start();
  WriteEndpoint();
  upload.join();
  EXPECT_TRUE(server.HasBlob(RefOf(content).sha256()));
}

TEST_F(BlobTransferTest, AnOlderFenceIsFinal) {
  server.FenceOff();
  EXPECT_EQ(transfer_.Upload(Write("abc"), RefOf("abc")).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(transfer_.Fetch(RefOf("abc"), dir / "down").code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(BlobTransferTest, AnUnknownBlobIsNotFound) {
  EXPECT_EQ(transfer_.Fetch(RefOf("never stored"), dir / "down").code(),
            absl::StatusCode::kNotFound);
}

TEST_F(BlobTransferTest, ShutdownEndsATransferThatWaitsForAServer) {
  server.Stop();
  std::thread upload([&] {
    EXPECT_EQ(transfer_.Upload(Write("abc"), RefOf("abc")).code(), absl::StatusCode::kCancelled);
  });
  link_.Shutdown();
  upload.join();
}

}  // namespace
}  // namespace gradus::worker
