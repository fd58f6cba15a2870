// SPDX-License-Identifier: Apache-2.0
#include "server/worker/node_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/philox.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/worker/blob_folder.h"
#include "server/worker/blob_transfer.h"
#include "tests/support/failing_files.h"
#include "tests/support/fake_clock.h"
#include "tests/support/link_fixture.h"

namespace gradus::worker {
namespace {

using Blob = NodeCache::Blob;

v1::BlobRef RefOf(const std::string& content) {
  v1::BlobRef ref;
  ref.set_sha256(base::Sha256Hex(std::string_view(content)));
  ref.set_size(static_cast<int64_t>(content.size()));
  return ref;
}

std::string Text(const Blob& blob) {
  return {reinterpret_cast<const char*>(blob->bytes().data()), blob->size()};
}

absl::Status Write(const std::string& path, const std::string& content) {
  return base::WriteFileAtomically(base::RealFiles(), path, content);
}

// As BlobTransfer::Fetch leaves it.
absl::Status Bring(const std::string& path, const std::string& content) {
  RETURN_IF_ERROR(Write(path + ".part", content));
  return base::RealFiles().Rename(path + ".part", path);
}

class NodeCacheTest : public ::testing::Test, protected test_support::LinkFixture {
 protected:
  static constexpr int64_t kLimit = 100;

  // As another rank of the node has it.
  std::unique_ptr<NodeCache> Open(base::Files& files = base::RealFiles()) {
    auto cache = NodeCache::Open(files, link_, folder_, kLimit);
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *std::move(cache);
  }
  // Fetches from a server that has everything, and counts.
  absl::StatusOr<Blob> Get(NodeCache& cache, const std::string& content) {
    return cache.Get(RefOf(content), [&](const std::string& path) {
      ++fetches_;
      return Bring(path, content);
    });
  }
  std::string Get(const std::string& content) {
    const absl::StatusOr<Blob> blob = Get(*cache_, content);
    if (!blob.ok()) return blob.status().ToString();
    return *blob == nullptr ? "none" : Text(*blob);
  }
  std::string KeptPath(const std::string& content) const {
    return BlobPath(folder_, RefOf(content).sha256());
  }
  std::string PartialPath(const std::string& content) const {
    return absl::StrCat(folder_, "/partial/", RefOf(content).sha256(), ".", content.size());
  }
  std::string LockPath(const std::string& content) const {
    return absl::StrCat(folder_, "/locks/", RefOf(content).sha256().substr(0, 2));
  }
  static bool IsThere(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
  bool IsKept(const std::string& content) const { return IsThere(KeptPath(content)); }
  // As if it had been used before all others; each call means a later time.
  void Age(const std::string& path) {
    const timespec times[2] = {{.tv_sec = ++age_, .tv_nsec = 0}, {.tv_sec = age_, .tv_nsec = 0}};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  int64_t KeptBytes() const {
    int64_t sum = 0;
    const std::string all = folder_ + "/sha256";
    const std::vector<std::string> folders = base::RealFiles().List(all).value();
    for (const std::string& folder : folders) {
      const std::vector<std::string> names = base::RealFiles().List(all + "/" + folder).value();
      for (const std::string& name : names)
        sum += static_cast<int64_t>(
            base::RealFiles().Size(absl::StrCat(all, "/", folder, "/", name)).value());
    }
    return sum;
  }

  const std::string folder_ = dir / "node/cache";
  ServerLink link_{Config(), test_support::PlainChannel, base::RealFiles(), base::RealClock()};
  std::atomic<int> fetches_{0};
  time_t age_ = 1'000'000;
  std::unique_ptr<NodeCache> cache_ = Open();
};

TEST_F(NodeCacheTest, ABlobIsFetchedOnceForAllRanksThatAskAtOnce) {
  const std::unique_ptr<NodeCache> other = Open();
  std::vector<std::thread> ranks;
  std::vector<std::string> given(8);
  for (size_t i = 0; i < given.size(); ++i) {
    ranks.emplace_back(
        [&, i] { given[i] = Text(Get(i % 2 == 0 ? *cache_ : *other, "rows").value()); });
  }
  for (std::thread& rank : ranks) rank.join();
  for (const std::string& text : given) EXPECT_EQ(text, "rows");
  EXPECT_EQ(fetches_, 1);
}

TEST_F(NodeCacheTest, ABlobIsThereForRanksThatComeLater) {
  EXPECT_EQ(Get("rows"), "rows");
  cache_ = Open();
  EXPECT_EQ(Get("rows"), "rows");
  EXPECT_EQ(fetches_, 1);
}

TEST_F(NodeCacheTest, KeepsAnEmptyBlob) {
  EXPECT_EQ(Get(""), "");
  EXPECT_EQ(Get(""), "");
  EXPECT_EQ(fetches_, 1);
}

TEST_F(NodeCacheTest, WhatWasUsedLongestAgoGoesFirst) {
  const std::string a(40, 'a');
  const std::string b(40, 'b');
  const std::string c(40, 'c');
  Get(a);
  Get(b);
  Age(KeptPath(a));
  Age(KeptPath(b));
  EXPECT_EQ(Get(a), a);  // used again
  EXPECT_EQ(Get(c), c);
  EXPECT_TRUE(IsKept(a));
  EXPECT_FALSE(IsKept(b));
  EXPECT_TRUE(IsKept(c));
}

TEST_F(NodeCacheTest, WhatIsInUseStays) {
  const std::string a(60, 'a');
  const std::string b(60, 'b');
  absl::StatusOr<Blob> in_use = Get(*Open(), a);
  ASSERT_TRUE(in_use.ok()) << in_use.status();
  EXPECT_EQ(Get(b), "none");
  EXPECT_TRUE(IsKept(a));
  EXPECT_EQ(Text(*in_use), a);
  *in_use = nullptr;
  EXPECT_EQ(Get(b), b);
  EXPECT_FALSE(IsKept(a));
}

TEST_F(NodeCacheTest, NeverKeepsMoreThanItsLimit) {
  base::PhiloxStream random({.seed = 7});
  for (int i = 0; i < 50; ++i) {
    const std::string content(random.NextBelow(60), static_cast<char>('a' + random.NextBelow(20)));
    ASSERT_EQ(Get(content), content);
    ASSERT_LE(KeptBytes(), kLimit);
  }
}

TEST_F(NodeCacheTest, ABlobBeyondTheLimitIsNoneOfItsBusiness) {
  EXPECT_EQ(Get("small"), "small");
  EXPECT_EQ(Get(std::string(101, 'a')), "none");
  EXPECT_EQ(fetches_, 1);
  EXPECT_TRUE(IsKept("small"));
}

TEST_F(NodeCacheTest, ADamagedBlobIsFetchedAgain) {
  EXPECT_EQ(Get("rows"), "rows");
  ASSERT_TRUE(Write(KeptPath("rows"), "cows").ok());
  EXPECT_EQ(Get("rows"), "rows");
  EXPECT_EQ(fetches_, 2);
  ASSERT_TRUE(Write(KeptPath("rows"), "row").ok());
  EXPECT_EQ(Get("rows"), "rows");
  EXPECT_EQ(fetches_, 3);
}

TEST_F(NodeCacheTest, NeverFollowsALinkToABlob) {
  ASSERT_TRUE(Write(dir / "elsewhere", "rows").ok());
  ASSERT_TRUE(base::MakeDirs(base::RealFiles(), base::ParentOf(KeptPath("rows"))).ok());
  ASSERT_EQ(::symlink((dir / "elsewhere").c_str(), KeptPath("rows").c_str()), 0);
  EXPECT_EQ(Get("rows"), "rows");
  EXPECT_EQ(fetches_, 1);
}

TEST_F(NodeCacheTest, WhatADeadRankHadFetchedWholeIsKept) {
  ASSERT_TRUE(Write(PartialPath("rows"), "rows").ok());
  EXPECT_EQ(Get("rows"), "rows");
  EXPECT_EQ(fetches_, 0);
  EXPECT_FALSE(IsThere(PartialPath("rows")));
}

TEST_F(NodeCacheTest, WhatADeadRankHadFetchedInPartIsGoneOnWith) {
  const std::string content(90, 'a');
  server.AddBlob(content);
  server.SetChunkBytes(1);
  server.CutTransfersAfter(50);
  ASSERT_TRUE(Write(PartialPath(content) + ".part", content.substr(0, 60)).ok());
  BlobTransfer transfer(link_, base::RealFiles(), base::SystemRandom());
  int streams = 0;
  const auto blob = cache_->Get(RefOf(content), [&](const std::string& path) {
    ++streams;
    return transfer.Fetch(RefOf(content), path);
  });
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(Text(*blob), content);
  EXPECT_EQ(streams, 1);
  EXPECT_FALSE(IsThere(PartialPath(content) + ".part"));
}

TEST_F(NodeCacheTest, WhatADeadRankHadBegunMakesRoom) {
  const std::string begun(80, 'a');
  ASSERT_TRUE(Write(PartialPath(begun) + ".part", "aaa").ok());
  const std::string wanted(50, 'b');
  ASSERT_NE(LockPath(begun), LockPath(wanted));
  EXPECT_EQ(Get(wanted), wanted);
  EXPECT_FALSE(IsThere(PartialPath(begun) + ".part"));
}

TEST_F(NodeCacheTest, WhatIsBeingFetchedCountsWholeFromTheStart) {
  const std::string first(80, 'a');
  std::string meanwhile;
  const auto blob = cache_->Get(RefOf(first), [&](const std::string& path) {
    meanwhile = Get(std::string(50, 'b'));
    return Bring(path, first);
  });
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(meanwhile, "none");
  EXPECT_EQ(Text(*blob), first);
}

TEST_F(NodeCacheTest, ARankThatFetchesAndStandsStillIsNotWaitedForForEver) {
  test_support::FakeClock clock;
  ServerLink link(Config(), test_support::PlainChannel, base::RealFiles(), clock);
  const auto cache = NodeCache::Open(base::RealFiles(), link, folder_, kLimit).value();
  const auto held = base::RealFiles().Lock(LockPath("rows"));
  ASSERT_TRUE(held.ok()) << held.status();
  std::atomic<bool> done = false;
  std::thread rank([&] {
    EXPECT_EQ(Get(*cache, "rows").value(), nullptr);
    done = true;
  });
  while (!done) clock.Advance(50'000);
  rank.join();
  EXPECT_EQ(fetches_, 0);
}

TEST_F(NodeCacheTest, AWaitEndsWithTheLink) {
  const auto held = base::RealFiles().Lock(LockPath("rows"));
  ASSERT_TRUE(held.ok()) << held.status();
  std::thread rank([&] { EXPECT_TRUE(absl::IsCancelled(Get(*cache_, "rows").status())); });
  link_.Shutdown();
  rank.join();
}

TEST_F(NodeCacheTest, TheServersRefusalIsTheAnswer) {
  const auto blob = cache_->Get(
      RefOf("rows"), [](const std::string&) { return absl::NotFoundError("no such blob"); });
  EXPECT_TRUE(absl::IsNotFound(blob.status())) << blob.status();
  EXPECT_EQ(Get("rows"), "rows");
}

TEST_F(NodeCacheTest, RefusesADigestThatIsAPath) {
  v1::BlobRef ref = RefOf("rows");
  ref.set_sha256("../../../../../../../../../../../../../../etc/passwd");
  const auto blob = cache_->Get(ref, [](const std::string&) { return absl::OkStatus(); });
  EXPECT_EQ(blob.status().code(), absl::StatusCode::kInvalidArgument);
}

// Whatever fails on this disk, the job gets its blob, here or by itself.
TEST_F(NodeCacheTest, AFailingDiskFailsNoJob) {
  const std::string old(80, 'a');
  const std::string wanted(50, 'b');
  for (const int error : {EIO, ENOSPC}) {
    for (uint64_t n = 1;; ++n) {
      ASSERT_EQ(Get(old), old);
      test_support::FailingFiles files(base::RealFiles());
      const std::unique_ptr<NodeCache> cache = Open(files);
      files.FailNth(n, test_support::kChangingOps, error);
      const absl::StatusOr<Blob> blob = Get(*cache, wanted);
      ASSERT_TRUE(blob.ok()) << blob.status();
      EXPECT_EQ(*blob == nullptr ? wanted : Text(*blob), wanted);
      EXPECT_EQ(files.retried_syncs(), 0U);
      if (!files.failed()) break;
      ASSERT_EQ(Get(wanted), wanted) << "after failure " << n;
      ASSERT_LE(KeptBytes(), kLimit);
    }
  }
}

}  // namespace
}  // namespace gradus::worker
