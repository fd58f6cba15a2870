// SPDX-License-Identifier: Apache-2.0
// Retention: what goes, and what stays whatever its age.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "server/registry/weights.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

using ::testing::ElementsAre;

const Editor kAnn = {"ann", false};
const Editor kBob = {"bob", false};
const Editor kAdmin = {"root", true};

class ModelRetentionTest : public RegistryFixture {
 protected:
  void PublishBy(const std::string& owner, const std::string& model, int count) {
    for (int i = 0; i < count; ++i) {
      v1::Job job = JobOf(model, {"dense"});
      job.set_owner(owner);
      ASSERT_TRUE(PublishOf(job, absl::StrCat(model, "-", owner, "-", ++published_)).ok());
    }
  }

  absl::Status Keep(const std::string& name, int keep_last, const Editor& editor = kAnn) {
    v1::SetRetentionRequest request;
    request.set_name(name);
    request.set_keep_last(keep_last);
    request.set_request_id(NextRequestId());
    return models_->SetRetention(editor, request).status();
  }

  int64_t Sweep() {
    const auto removed = models_->RemoveUnretained();
    EXPECT_TRUE(removed.ok()) << removed.status();
    return removed.value_or(-1);
  }

  std::vector<int64_t> Versions(const std::string& name) {
    v1::ListModelsRequest request;
    request.set_name(name);
    request.set_page_size(1000);
    const auto page = models_->List(request);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<int64_t> versions;
    if (page.ok())
      for (const v1::Model& model : page->models()) versions.push_back(model.version());
    return versions;
  }

  int published_ = 0;
};

TEST_F(ModelRetentionTest, TheNewestStayAndOtherNamesAreLeftAlone) {
  PublishBy("ann", "net", 5);
  PublishBy("ann", "other", 3);
  EXPECT_EQ(Sweep(), 0) << "without a word all are kept";
  ASSERT_TRUE(Keep("net", 2).ok());
  EXPECT_EQ(Sweep(), 3);
  EXPECT_THAT(Versions("net"), ElementsAre(5, 4));
  EXPECT_THAT(Versions("other"), ElementsAre(3, 2, 1));
  EXPECT_EQ(Sweep(), 0);
  PublishBy("ann", "net", 1);
  EXPECT_EQ(Sweep(), 1);
  EXPECT_THAT(Versions("net"), ElementsAre(6, 5)) << "numbers go on";
}

TEST_F(ModelRetentionTest, ZeroKeepsAllAgain) {
  PublishBy("ann", "net", 3);
  ASSERT_TRUE(Keep("net", 1).ok());
  ASSERT_TRUE(Keep("net", 0).ok());
  EXPECT_EQ(Sweep(), 0);
}

TEST_F(ModelRetentionTest, WhatAnAliasMeansStays) {
  PublishBy("ann", "net", 4);
  ASSERT_TRUE(SetAlias("net@2", "best").ok());
  ASSERT_TRUE(Keep("net", 1).ok());
  EXPECT_EQ(Sweep(), 2);
  EXPECT_THAT(Versions("net"), ElementsAre(4, 2));
}

TEST_F(ModelRetentionTest, WhatAnUnfinishedJobWorksOnStaysUntilItEnds) {
  PublishBy("ann", "net", 3);
  const v1::BlobRef weights = models_->Get("net@1")->weights();
  const auto hold = [&](bool held) {
    return store_->Write([&](store::Tx& tx) {
      return held ? AddWeightsRef(tx, *blobs_, weights, store::kSourceRef, "j7")
                  : store::BlobStore::DropRefs(tx, store::kSourceRef, "j7");
    });
  };
  // As a job that is submitted on it.
  ASSERT_TRUE(hold(true).ok());
  ASSERT_TRUE(Keep("net", 1).ok());
  EXPECT_EQ(Sweep(), 1);
  EXPECT_THAT(Versions("net"), ElementsAre(3, 1));
  ASSERT_TRUE(hold(false).ok());
  EXPECT_EQ(Sweep(), 1);
  EXPECT_THAT(Versions("net"), ElementsAre(3));
}

TEST_F(ModelRetentionTest, ManyGoInSeveralTransactions) {
  PublishBy("ann", "net", 251);
  ASSERT_TRUE(Keep("net", 1).ok());
  EXPECT_EQ(Sweep(), 250);
  EXPECT_THAT(Versions("net"), ElementsAre(251));
}

TEST_F(ModelRetentionTest, AUserLetsNobodyElsesVersionsGo) {
  PublishBy("ann", "net", 2);
  PublishBy("bob", "net", 2);
  EXPECT_TRUE(absl::IsPermissionDenied(Keep("net", 1, kAnn))) << "the newest is bob's";
  ASSERT_TRUE(Keep("net", 1, kBob).ok());
  EXPECT_EQ(Sweep(), 1);
  EXPECT_THAT(Versions("net"), ElementsAre(4, 2, 1));
  ASSERT_TRUE(Keep("net", 1, kAdmin).ok());
  EXPECT_EQ(Sweep(), 2);
  EXPECT_THAT(Versions("net"), ElementsAre(4));
}

TEST_F(ModelRetentionTest, RefusesWhatItCannotKeep) {
  PublishBy("ann", "net", 1);
  EXPECT_EQ(base::FieldOf(Keep("net@1", 1)), "name");
  EXPECT_EQ(base::FieldOf(Keep("net", -1)), "keep_last");
  EXPECT_EQ(base::FieldOf(Keep("net", 1'000'001)), "keep_last");
  EXPECT_TRUE(absl::IsNotFound(Keep("nobody", 1)));
}

}  // namespace
}  // namespace gradus::registry
