// SPDX-License-Identifier: Apache-2.0
// Aliases, tags, cards and licences: who may give them, what they mean, and that they go with their
// version.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Editor kAnn = {"ann", false};
const Editor kBob = {"bob", false};
const Editor kAdmin = {"root", true};

class ModelLabelsTest : public RegistryFixture {
 protected:
  void SetUp() override {
    RegistryFixture::SetUp();
    for (const char* weights : {"first", "second", "third"})
      ASSERT_TRUE(Publish("net", weights).ok());
  }

  int64_t VersionOf(const std::string& ref) {
    const auto model = models_->Get(ref);
    return model.ok() ? model->version() : -1;
  }

  absl::Status RemoveAlias(const std::string& ref, const Editor& editor = kAnn) {
    v1::RemoveAliasRequest request;
    request.set_ref(ref);
    request.set_request_id(NextRequestId());
    return models_->RemoveAlias(editor, request).status();
  }

  absl::StatusOr<v1::UpdateModelResponse> Update(v1::UpdateModelRequest request,
                                                 const Editor& editor = kAnn) {
    if (request.ref().empty()) request.set_ref("net@2");
    if (request.request_id().empty()) request.set_request_id(NextRequestId());
    return models_->Update(editor, request);
  }

  std::string PublishByBob() {
    v1::Job job = JobOf("net", {"dense"});
    job.set_owner("bob");
    return PublishOf(job, "of bob").value();
  }
};

TEST_F(ModelLabelsTest, AnAliasMeansItsVersionWhereverAReferenceIsTaken) {
  EXPECT_EQ(SetAlias("net@2", "best").value(), "net@2");
  EXPECT_EQ(VersionOf("net@best"), 2);
  EXPECT_EQ(models_->Open("net@best")->model().version(), 2);
  EXPECT_EQ(models_->OwnerOf("net@best").value(), "ann");
  EXPECT_THAT(models_->Get("net@2")->aliases(), ElementsAre("best"));
  EXPECT_THAT(models_->Get("net@1")->aliases(), IsEmpty());
  EXPECT_EQ(VersionOf("net"), 3) << "a name alone stays the newest";
}

TEST_F(ModelLabelsTest, AnAliasMovesAndMeansOneVersionAtATime) {
  ASSERT_TRUE(SetAlias("net@1", "best").ok());
  ASSERT_TRUE(SetAlias("net@1", "first").ok());
  ASSERT_TRUE(SetAlias("net@3", "best").ok());
  EXPECT_EQ(VersionOf("net@best"), 3);
  EXPECT_THAT(models_->Get("net@1")->aliases(), ElementsAre("first"));
  EXPECT_EQ(SetAlias("net@best", "second-name").value(), "net@3") << "by another alias";
  EXPECT_THAT(models_->Get("net@3")->aliases(), ElementsAre("best", "second-name"));
}

TEST_F(ModelLabelsTest, AliasesOfTwoNamesAreNotMixedUp) {
  ASSERT_TRUE(Publish("other", "1").ok());
  ASSERT_TRUE(SetAlias("other@1", "best").ok());
  EXPECT_TRUE(absl::IsNotFound(models_->Get("net@best").status()));
  EXPECT_THAT(models_->Get("net@1")->aliases(), IsEmpty());
}

TEST_F(ModelLabelsTest, RefusesAliasesThatWouldMeanSomethingElse) {
  for (const std::string& alias :
       {std::string(), std::string("1"), std::string("007"), std::string("sha256"),
        std::string("a b"), std::string("a@b"), std::string("a/b"), std::string(".a"),
        std::string("sha256:") + std::string(64, 'a'), std::string(129, 'a'),
        std::string("a\0b", 3), std::string("' OR 1=1 --"), std::string("\xff")}) {
    const absl::Status refused = SetAlias("net@1", alias).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << alias << ": " << refused;
    EXPECT_EQ(base::FieldOf(refused), "alias") << alias;
  }
  EXPECT_EQ(Count("model_aliases"), 0);
  EXPECT_TRUE(SetAlias("net@1", std::string(128, 'a')).ok());
  EXPECT_TRUE(SetAlias("net@1", "v1.2_x-3").ok());
}

TEST_F(ModelLabelsTest, AnAliasNeedsOneVersionThatIsThere) {
  EXPECT_EQ(base::FieldOf(SetAlias("net", "best").status()), "ref");
  EXPECT_TRUE(absl::IsNotFound(SetAlias("net@9", "best").status()));
  EXPECT_TRUE(absl::IsNotFound(SetAlias("net@none", "best").status()));
}

TEST_F(ModelLabelsTest, ARepeatedRequestDoesNotMoveAnAliasBack) {
  v1::SetAliasRequest request;
  request.set_ref("net@1");
  request.set_alias("best");
  request.set_request_id("r1");
  ASSERT_TRUE(models_->SetAlias(kAnn, request).ok());
  ASSERT_TRUE(SetAlias("net@2", "best").ok());
  const auto again = models_->SetAlias(kAnn, request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ref(), "net@1");
  EXPECT_EQ(VersionOf("net@best"), 2);
  request.set_alias("worst");
  EXPECT_TRUE(absl::IsAlreadyExists(models_->SetAlias(kAnn, request).status()));
  request.clear_request_id();
  EXPECT_EQ(base::FieldOf(models_->SetAlias(kAnn, request).status()), "request_id");
}

TEST_F(ModelLabelsTest, AVersionThatAnAliasMeansIsNotRemoved) {
  ASSERT_TRUE(SetAlias("net@1", "best").ok());
  ASSERT_TRUE(SetAlias("net@1", "oldest").ok());
  const absl::Status refused = RemoveModel("net@1", "r1");
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(refused.message(), HasSubstr("net@best, net@oldest"));
  EXPECT_EQ(VersionOf("net@best"), 1);
  ASSERT_TRUE(RemoveAlias("net@best").ok());
  ASSERT_TRUE(SetAlias("net@2", "oldest").ok());
  EXPECT_TRUE(RemoveModel("net@1", "r2").ok());
}

TEST_F(ModelLabelsTest, ARemovedAliasMeansNothing) {
  ASSERT_TRUE(SetAlias("net@1", "best").ok());
  v1::RemoveAliasRequest request;
  request.set_ref("net@best");
  request.set_request_id("r1");
  EXPECT_TRUE(models_->RemoveAlias(kAnn, request).ok());
  EXPECT_TRUE(models_->RemoveAlias(kAnn, request).ok()) << "a retry";
  EXPECT_TRUE(absl::IsNotFound(models_->Get("net@best").status()));
  EXPECT_EQ(VersionOf("net@1"), 1);
  EXPECT_TRUE(absl::IsNotFound(RemoveAlias("net@best")));
  for (const char* ref : {"net", "net@1", "net@"})
    EXPECT_EQ(base::FieldOf(RemoveAlias(ref)), "ref") << ref;
}

TEST_F(ModelLabelsTest, NobodyMovesAnAliasToOrFromAnothersVersion) {
  const std::string bobs = PublishByBob();
  ASSERT_TRUE(SetAlias("net@1", "best").ok());
  EXPECT_TRUE(absl::IsPermissionDenied(SetAlias(bobs, "best", kBob).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(SetAlias("net@1", "mine", kBob).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(RemoveAlias("net@best", kBob)));
  EXPECT_EQ(VersionOf("net@best"), 1);
  EXPECT_TRUE(SetAlias(bobs, "mine", kBob).ok());
  EXPECT_TRUE(SetAlias(bobs, "best", kAdmin).ok());
  EXPECT_EQ(VersionOf("net@best"), 4);
}

TEST_F(ModelLabelsTest, TagsAreASet) {
  v1::UpdateModelRequest more;
  for (const char* tag : {"small", "baseline", "small"}) more.add_add_tags(tag);
  EXPECT_THAT(Update(more)->tags(), ElementsAre("baseline", "small"));
  v1::UpdateModelRequest change;
  change.add_add_tags("small");
  change.add_add_tags("good");
  change.add_remove_tags("baseline");
  change.add_remove_tags("never-had");
  EXPECT_THAT(Update(change)->tags(), ElementsAre("good", "small"));
  EXPECT_THAT(models_->Get("net@2")->tags(), ElementsAre("good", "small"));
  EXPECT_THAT(models_->Get("net@1")->tags(), IsEmpty());
}

TEST_F(ModelLabelsTest, ARepeatedUpdateIsOneUpdate) {
  v1::UpdateModelRequest add;
  add.add_add_tags("small");
  add.set_request_id("r1");
  ASSERT_TRUE(Update(add).ok());
  v1::UpdateModelRequest remove;
  remove.add_remove_tags("small");
  ASSERT_TRUE(Update(remove).ok());
  EXPECT_THAT(Update(add)->tags(), ElementsAre("small")) << "the first answer";
  EXPECT_THAT(models_->Get("net@2")->tags(), IsEmpty());
}

TEST_F(ModelLabelsTest, RefusesTagsThatAreNoneOrTooMany) {
  for (const std::string& tag : {std::string(), std::string("a b"), std::string("a,b"),
                                 std::string(129, 'a'), std::string("\xff"), std::string("%")}) {
    v1::UpdateModelRequest request;
    request.add_add_tags("fine");
    request.add_add_tags(tag);
    EXPECT_EQ(base::FieldOf(Update(request).status()), "add_tags[1]") << tag;
  }
  v1::UpdateModelRequest most;
  for (int i = 0; i < 64; ++i) most.add_add_tags(absl::StrCat("tag", i));
  EXPECT_EQ(Update(most)->tags_size(), 64);
  v1::UpdateModelRequest more;
  more.add_add_tags("one");
  EXPECT_EQ(base::FieldOf(Update(more).status()), "add_tags");
  EXPECT_EQ(Count("model_tags"), 64) << "nothing of a refused update stays";
  more.add_remove_tags("tag7");
  EXPECT_TRUE(Update(more).ok());
  most.add_add_tags("tag64");
  EXPECT_EQ(base::FieldOf(Update(most).status()), "add_tags");
}

TEST_F(ModelLabelsTest, CardAndLicenceStayUntilTheyAreChanged) {
  v1::UpdateModelRequest both;
  both.set_card("# Ours\n\n\xc3\xa9 | 'quoted'\n");
  both.set_licence("Apache-2.0");
  EXPECT_EQ(Update(both)->licence(), "Apache-2.0");
  v1::UpdateModelRequest licence;
  licence.set_licence("MIT");
  ASSERT_TRUE(Update(licence).ok());
  EXPECT_EQ(models_->Get("net@2")->card(), both.card());
  EXPECT_EQ(models_->Get("net@2")->licence(), "MIT");
  v1::UpdateModelRequest clear;
  clear.set_card("");
  ASSERT_TRUE(Update(clear).ok());
  EXPECT_EQ(models_->Get("net@2")->card(), "");
  EXPECT_EQ(models_->Get("net@2")->licence(), "MIT");
  EXPECT_EQ(models_->Get("net@1")->licence(), "");
}

TEST_F(ModelLabelsTest, RefusesCardsAndLicencesThatAreNoText) {
  const struct {
    std::string card, licence;
    const char* field;
  } cases[] = {{std::string(64 * 1024 + 1, 'a'), "", "card"},
               {"\xff\xfe", "", "card"},
               {std::string("a\0b", 3), "", "card"},
               {"", std::string(129, 'a'), "licence"},
               {"", "MIT\n", "licence"},
               {"", "\xc3", "licence"}};
  for (const auto& c : cases) {
    v1::UpdateModelRequest request;
    request.set_card(c.card);
    request.set_licence(c.licence);
    EXPECT_EQ(base::FieldOf(Update(request).status()), c.field);
  }
  EXPECT_EQ(Count("model_cards"), 0);
  v1::UpdateModelRequest most;
  most.set_card(std::string(64 * 1024, 'a'));
  EXPECT_TRUE(Update(most).ok());
}

TEST_F(ModelLabelsTest, NobodyChangesWhatIsAnothers) {
  v1::UpdateModelRequest request;
  request.add_add_tags("mine");
  EXPECT_TRUE(absl::IsPermissionDenied(Update(request, kBob).status()));
  EXPECT_TRUE(Update(request, kAdmin).ok());
  request.set_ref("net");
  EXPECT_EQ(base::FieldOf(Update(request).status()), "ref");
}

TEST_F(ModelLabelsTest, LabelsGoWithTheirVersion) {
  v1::UpdateModelRequest request;
  request.add_add_tags("small");
  request.set_card("text");
  ASSERT_TRUE(Update(request).ok());
  ASSERT_TRUE(RemoveModel("net@2", "r1").ok());
  EXPECT_EQ(Count("model_tags"), 0);
  EXPECT_EQ(Count("model_cards"), 0);
}

}  // namespace
}  // namespace gradus::registry
