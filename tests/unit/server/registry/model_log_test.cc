// SPDX-License-Identifier: Apache-2.0
// Lineage: all ancestors, each once, newest first.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

using ::testing::ElementsAre;

class ModelLogTest : public RegistryFixture {
 protected:
  // A version made from these ones, a second after the one before.
  std::string Made(const std::string& model, const std::vector<std::string>& parents) {
    clock_.Advance(1'000'000);
    v1::Job job = JobOf(model, std::vector<std::string>(std::max<size_t>(parents.size(), 1), "d"));
    for (size_t i = 0; i < parents.size(); ++i) {
      job.mutable_spec()
          ->mutable_model()
          ->mutable_layers(static_cast<int>(i))
          ->set_from(absl::StrCat(parents[i], "/d"));
    }
    const auto ref = PublishOf(job, absl::StrCat(model, clock_.NowMicros()));
    EXPECT_TRUE(ref.ok()) << ref.status();
    return ref.value_or("");
  }

  absl::StatusOr<v1::LogModelResponse> Log(const std::string& ref, int limit = 0) {
    v1::LogModelRequest request;
    request.set_ref(ref);
    request.set_limit(limit);
    return models_->Log(request);
  }

  std::vector<std::string> Refs(const std::string& ref, int limit = 0) {
    const auto log = Log(ref, limit);
    EXPECT_TRUE(log.ok()) << log.status();
    std::vector<std::string> refs;
    if (!log.ok()) return refs;
    for (const v1::ModelLogEntry& entry : log->entries())
      refs.push_back(entry.ref() + (entry.gone() ? " gone" : ""));
    return refs;
  }
};

TEST_F(ModelLogTest, AVersionThenItsParentsAndTheirs) {
  Made("a", {});
  Made("b", {"a@1"});
  Made("other", {});
  Made("c", {"b@1"});
  EXPECT_THAT(Refs("c"), ElementsAre("c@1", "b@1", "a@1"));
  EXPECT_THAT(Refs("a@1"), ElementsAre("a@1"));
}

TEST_F(ModelLogTest, WhatIsReachedTwiceComesOnceBehindAllThatIsMadeFromIt) {
  Made("root", {});
  Made("left", {"root@1"});
  Made("right", {"root@1", "left@1"});
  Made("top", {"root@1", "right@1", "left@1"});
  EXPECT_THAT(Refs("top"), ElementsAre("top@1", "right@1", "left@1", "root@1"));
}

TEST_F(ModelLogTest, AParentThatWasRemovedIsNamedAsGone) {
  Made("a", {});
  Made("b", {"a@1"});
  Made("c", {"b@1"});
  ASSERT_TRUE(RemoveModel("b@1", "r1").ok());
  EXPECT_THAT(Refs("c"), ElementsAre("c@1", "b@1 gone"));
  EXPECT_TRUE(absl::IsNotFound(Log("b@1").status()));
}

TEST_F(ModelLogTest, AnEntrySaysWhatTheVersionIs) {
  Made("a", {});
  Made("b", {"a@1"});
  ASSERT_TRUE(SetAlias("b@1", "best").ok());
  const auto log = Log("b@best");
  ASSERT_TRUE(log.ok()) << log.status();
  const v1::ModelLogEntry& entry = log->entries(0);
  EXPECT_EQ(entry.ref(), "b@1");
  EXPECT_EQ(entry.job(), "j1");
  EXPECT_EQ(entry.owner(), "ann");
  EXPECT_THAT(entry.datasets(), ElementsAre("digits", "others"));
  EXPECT_EQ(entry.metrics().at("loss"), 0.5);
  EXPECT_EQ(entry.created_at().seconds(), clock_.NowMicros() / 1'000'000);
  EXPECT_THAT(entry.parents(), ElementsAre("a@1"));
  EXPECT_THAT(entry.aliases(), ElementsAre("best"));
  EXPECT_FALSE(log->truncated());
}

TEST_F(ModelLogTest, ALimitEndsItAndSaysSo) {
  Made("n", {});
  for (int i = 1; i < 5; ++i) Made("n", {absl::StrCat("n@", i)});
  EXPECT_THAT(Refs("n", 2), ElementsAre("n@5", "n@4"));
  EXPECT_TRUE(Log("n", 2)->truncated());
  EXPECT_FALSE(Log("n", 5)->truncated());
  for (const int limit : {-1, 1001}) EXPECT_EQ(base::FieldOf(Log("n", limit).status()), "limit");
  EXPECT_EQ(base::FieldOf(Log("n@0").status()), "ref");
}

TEST_F(ModelLogTest, ALongChainIsThereWhole) {
  Made("n", {});
  for (int i = 1; i < 200; ++i) Made("n", {absl::StrCat("n@", i)});
  const std::vector<std::string> refs = Refs("n");
  ASSERT_EQ(refs.size(), 200U);
  EXPECT_EQ(refs.back(), "n@1");
}

}  // namespace
}  // namespace gradus::registry
