// SPDX-License-Identifier: Apache-2.0
#include "server/worker/blob_cache.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/base/sha256.h"
#include "tests/support/link_fixture.h"

namespace gradus::worker {
namespace {

v1::BlobRef RefOf(const std::string& content) {
  v1::BlobRef ref;
  ref.set_sha256(base::Sha256Hex(std::string_view(content)));
  ref.set_size(static_cast<int64_t>(content.size()));
  return ref;
}

std::string Text(const base::MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.size()};
}

class BlobCacheTest : public ::testing::Test, protected test_support::LinkFixture {
 protected:
  // A file in the server's folder under `ref`, whatever its content.
  void PutBeside(const v1::BlobRef& ref, const std::string& content) {
    const std::string folder = dir / ("beside/sha256/" + ref.sha256().substr(0, 2));
    ASSERT_TRUE(base::MakeDirs(base::RealFiles(), folder).ok());
    ASSERT_TRUE(
        base::WriteFileAtomically(base::RealFiles(), folder + "/" + ref.sha256().substr(2), content)
            .ok());
  }

  ServerLink link_{Config(), test_support::PlainChannel, base::RealFiles(), base::RealClock()};
  BlobTransfer transfer_{link_, base::RealFiles(), base::SystemRandom()};
  BlobCache cache_{base::RealFiles(), transfer_, dir / "beside", nullptr, dir.path()};
};

TEST_F(BlobCacheTest, TakesABlobBesideTheServerWithoutAskingIt) {
  server.Stop();
  PutBeside(RefOf("rows"), "rows");
  const auto blob = cache_.Open(RefOf("rows"));
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(Text(**blob), "rows");
}

TEST_F(BlobCacheTest, FetchesWhatIsNotBeside) {
  server.AddBlob("rows");
  const auto blob = cache_.Open(RefOf("rows"));
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(Text(**blob), "rows");
}

TEST_F(BlobCacheTest, NeverGivesBytesThatAreNotTheDigests) {
  server.AddBlob("rows");
  PutBeside(RefOf("rows"), "cows");
  const auto blob = cache_.Open(RefOf("rows"));
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(Text(**blob), "rows");
}

TEST_F(BlobCacheTest, RefusesADigestThatIsAPath) {
  v1::BlobRef ref = RefOf("rows");
  ref.set_sha256("../../../../../../../../../../../../../../etc/passwd");
  EXPECT_EQ(cache_.Open(ref).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(BlobCacheTest, OpensEachBlobOnceForAllWhoAsk) {
  PutBeside(RefOf("rows"), "rows");
  cache_.Prefetch({RefOf("rows"), RefOf("nowhere"), RefOf("rows")});
  std::vector<std::thread> askers;
  std::vector<const base::MappedFile*> given(8);
  for (size_t i = 0; i < given.size(); ++i)
    askers.emplace_back([&, i] { given[i] = cache_.Open(RefOf("rows")).value().get(); });
  for (std::thread& asker : askers) asker.join();
  for (const base::MappedFile* file : given) EXPECT_EQ(file, given[0]);
}

TEST_F(BlobCacheTest, AFailureIsNotRemembered) {
  EXPECT_EQ(cache_.Open(RefOf("rows")).status().code(), absl::StatusCode::kNotFound);
  server.AddBlob("rows");
  EXPECT_TRUE(cache_.Open(RefOf("rows")).ok());
}

}  // namespace
}  // namespace gradus::worker
