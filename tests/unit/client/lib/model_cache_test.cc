// SPDX-License-Identifier: Apache-2.0
#include "gradus/model_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "internal/sha256.h"
#include "proto/support/parse.h"
#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;
using testing::FakeConnection;
using ::testing::HasSubstr;

class ModelCacheTest : public ::testing::Test {
 protected:
  ModelCacheTest() {
    Add("m@1", 1);
    Add("m", 1);
    server->weights = std::string(10'500, 'w');
  }
  void Add(const std::string& ref, int64_t version) {
    v1::Model& model = server->models[ref];
    model.set_name("m");
    model.set_version(version);
    *model.mutable_spec() =
        *support::Parse<v1::ModelSpec>("{input_shape: [4], layers: [dense: {units: 3}]}");
  }
  static Profile ProfileOf(const std::string& ca) {
    Profile profile;
    profile.set_ca_pem(ca);
    return profile;
  }
  int Blobs() {
    int blobs = 0;
    for (const auto& entry : fs::directory_iterator(root + "/blobs"))
      blobs += entry.is_regular_file();
    return blobs;
  }

  testing::Folder folder;
  const std::string root = folder / "cache";
  std::shared_ptr<FakeConnection> server = std::make_shared<FakeConnection>();
  Client client{server, testing::Impatient()};
  ModelCache cache{root, ProfileOf("authority")};
};

std::string Read(const std::string& path) {
  std::string text(fs::file_size(path), '\0');
  FILE* file = fopen(path.c_str(), "rb");
  EXPECT_EQ(fread(text.data(), 1, text.size(), file), text.size());
  fclose(file);
  return text;
}

TEST_F(ModelCacheTest, HoldsAModelOnceAndMovesItOnce) {
  const auto first = cache.Fetch(client, "m");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->version, 1);
  EXPECT_EQ(Read(first->folder + "/weights.safetensors"), server->weights);
  EXPECT_TRUE(fs::is_symlink(first->folder + "/weights.safetensors"));
  EXPECT_TRUE(fs::exists(first->folder + "/model.json"));
  const size_t streams = server->fetched_from.size();
  const auto again = cache.Fetch(client, "m@1");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->folder, first->folder);
  EXPECT_EQ(server->fetched_from.size(), streams) << "nothing is asked for twice";
}

// Another version with the same weights: its bytes are there already.
TEST_F(ModelCacheTest, EqualWeightsAreOneBlob) {
  ASSERT_TRUE(cache.Fetch(client, "m@1").ok());
  Add("m@2", 2);
  const auto second = cache.Fetch(client, "m@2");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Read(second->folder + "/weights.safetensors"), server->weights);
  EXPECT_EQ(Blobs(), 1);
  for (const auto& entry : fs::directory_iterator(second->folder))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(::testing::StartsWith(".")));
}

TEST_F(ModelCacheTest, ADamagedBlobIsFetchedAgain) {
  ASSERT_TRUE(cache.Fetch(client, "m@1").ok());
  folder.Write("cache/blobs/" + internal::Sha256Of(server->weights), std::string(10'500, 'x'));
  Add("m@2", 2);
  const auto second = cache.Fetch(client, "m@2");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Read(second->folder + "/weights.safetensors"), server->weights);
}

TEST_F(ModelCacheTest, ABrokenTransferGoesOn) {
  server->stream_breaks = {4, 3};
  const auto fetched = cache.Fetch(client, "m");
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(Read(fetched->folder + "/weights.safetensors"), server->weights);
}

TEST_F(ModelCacheTest, WrongBytesAreNotKept) {
  server->corrupt_weights = true;
  EXPECT_TRUE(absl::IsDataLoss(cache.Fetch(client, "m").status()));
  EXPECT_EQ(Blobs(), 0);
  EXPECT_TRUE(absl::IsNotFound(cache.Find("m").status()));
}

TEST_F(ModelCacheTest, OfflineAWordMeansWhatItMeantLast) {
  EXPECT_TRUE(absl::IsNotFound(cache.Find("m").status()));
  ASSERT_TRUE(cache.Fetch(client, "m").ok());
  EXPECT_EQ(cache.Find("m")->version, 1);
  EXPECT_EQ(cache.Find("m@1")->version, 1);
  EXPECT_TRUE(absl::IsNotFound(cache.Find("m@2").status()));
  EXPECT_THAT(std::string(cache.Find("m@2").status().message()), HasSubstr("--offline"));
  Add("m", 2);
  Add("m@2", 2);
  EXPECT_EQ(cache.Find("m")->version, 1);
  ASSERT_TRUE(cache.Fetch(client, "m").ok());
  EXPECT_EQ(cache.Find("m")->version, 2);
}

TEST_F(ModelCacheTest, SomeLayersAreASnapshotOfTheirOwn) {
  FetchOptions some;
  some.layers = {":-1"};
  const auto part = cache.Fetch(client, "m", some);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_TRUE(absl::IsNotFound(cache.Find("m").status())) << "the whole model is not there";
  EXPECT_EQ(cache.Find("m", {":-1"})->folder, part->folder);
}

TEST_F(ModelCacheTest, ServersDoNotMeet) {
  ASSERT_TRUE(cache.Fetch(client, "m").ok());
  EXPECT_TRUE(absl::IsNotFound(ModelCache(root, ProfileOf("another")).Find("m").status()));
}

TEST_F(ModelCacheTest, WhatItsGroupMayWriteToStaysSo) {
  fs::create_directories(root);
  ASSERT_EQ(chmod(root.c_str(), 02775), 0);
  const auto fetched = cache.Fetch(client, "m");
  ASSERT_TRUE(fetched.ok());
  struct stat info = {};
  ASSERT_EQ(stat(fetched->folder.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0775U);
}

TEST_F(ModelCacheTest, ReferencesAreNoPaths) {
  for (const char* ref : {"", "../m", "m@../../x", "m@", ".m", "m@.."})
    EXPECT_TRUE(absl::IsInvalidArgument(cache.Find(ref).status())) << ref;
}

TEST(CachePath, IsGivenOrFromTheEnvironment) {
  EXPECT_EQ(*CachePath("/here"), "/here");
  setenv("GRADUS_CACHE", "/there", 1);
  EXPECT_EQ(*CachePath(), "/there");
  unsetenv("GRADUS_CACHE");
  setenv("XDG_CACHE_HOME", "/x", 1);
  EXPECT_EQ(*CachePath(), "/x/gradus");
  unsetenv("XDG_CACHE_HOME");
}

}  // namespace
}  // namespace gradus
