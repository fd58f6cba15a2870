// SPDX-License-Identifier: Apache-2.0
// Searching: each filter alone, together, and over pages.
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ModelListTest : public RegistryFixture {
 protected:
  void SetUp() override {
    RegistryFixture::SetUp();
    for (const char* name : {"Fashion-A", "fashion-b", "fashion-b", "digits_1", "digitsX1"})
      ASSERT_TRUE(Publish(name, name).ok());
    v1::Job job = JobOf("digits_1", {"dense"});
    job.set_owner("bob");
    ASSERT_TRUE(PublishOf(job, "bobs").ok());
    Tag("Fashion-A@1", {"small", "old"});
    Tag("fashion-b@1", {"small"});
    Tag("fashion-b@2", {"old", "small", "x"});
    ASSERT_TRUE(SetAlias("fashion-b@1", "best").ok());
    ASSERT_TRUE(SetAlias("digitsX1@1", "best").ok());
  }

  void Tag(const std::string& ref, const std::vector<std::string>& tags) {
    v1::UpdateModelRequest request;
    request.set_ref(ref);
    for (const std::string& tag : tags) request.add_add_tags(tag);
    request.set_card("a card");
    request.set_request_id(NextRequestId());
    ASSERT_TRUE(models_->Update({"ann", false}, request).ok());
  }

  // All pages of `page_size`.
  std::vector<std::string> Refs(v1::ListModelsRequest request, int page_size = 100) {
    std::vector<std::string> refs;
    request.set_page_size(page_size);
    do {
      const auto page = models_->List(request);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->models_size(), page_size);
      for (const v1::Model& model : page->models())
        refs.push_back(VersionRef(model.name(), model.version()));
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return refs;
  }

  std::vector<std::string> Search(const std::string& query) {
    v1::ListModelsRequest request;
    request.set_query(query);
    return Refs(request);
  }

  std::vector<std::string> Tagged(const std::vector<std::string>& tags) {
    v1::ListModelsRequest request;
    for (const std::string& tag : tags) request.add_tags(tag);
    return Refs(request);
  }
};

TEST_F(ModelListTest, TextIsFoundAnywhereInANameInEitherCase) {
  EXPECT_THAT(Search("FASHION"), ElementsAre("Fashion-A@1", "fashion-b@2", "fashion-b@1"));
  EXPECT_THAT(Search("n-a"), ElementsAre("Fashion-A@1"));
  EXPECT_THAT(Search("none"), IsEmpty());
}

TEST_F(ModelListTest, NoCharacterOfASearchIsAPattern) {
  EXPECT_THAT(Search("s_1"), ElementsAre("digits_1@2", "digits_1@1"));
  for (const char* text : {"%", "!", "_%", "'", "fashion%b", "\\", "\xff"})
    EXPECT_THAT(Search(text), IsEmpty()) << text;
}

TEST_F(ModelListTest, AVersionHasAllTheTagsThatAreAskedFor) {
  EXPECT_THAT(Tagged({"small"}), ElementsAre("Fashion-A@1", "fashion-b@2", "fashion-b@1"));
  EXPECT_THAT(Tagged({"small", "old"}), ElementsAre("Fashion-A@1", "fashion-b@2"));
  EXPECT_THAT(Tagged({"small", "old", "small", "x"}), ElementsAre("fashion-b@2"));
  EXPECT_THAT(Tagged({"small", "Old"}), IsEmpty());
}

TEST_F(ModelListTest, VersionsAreTheNumbersOfANameAloneNewestFirst) {
  EXPECT_THAT(models_->Versions("fashion-b").value(), ElementsAre(2, 1));
  EXPECT_THAT(models_->Versions("fashion").value(), IsEmpty());
}

TEST_F(ModelListTest, AnAliasFindsTheVersionsThatItMeans) {
  v1::ListModelsRequest request;
  request.set_alias("best");
  EXPECT_THAT(Refs(request), ElementsAre("digitsX1@1", "fashion-b@1"));
}

TEST_F(ModelListTest, AnOwnerFindsWhatIsTheirs) {
  v1::ListModelsRequest request;
  request.set_owner("bob");
  EXPECT_THAT(Refs(request), ElementsAre("digits_1@2"));
  request.set_owner("nobody");
  EXPECT_THAT(Refs(request), IsEmpty());
}

TEST_F(ModelListTest, FiltersNarrowOneAnother) {
  v1::ListModelsRequest request;
  request.set_query("fashion");
  request.set_name("fashion-b");
  request.add_tags("small");
  request.set_owner("ann");
  EXPECT_THAT(Refs(request), ElementsAre("fashion-b@2", "fashion-b@1"));
  request.set_alias("best");
  EXPECT_THAT(Refs(request), ElementsAre("fashion-b@1"));
}

TEST_F(ModelListTest, PagesOfASearchTogetherHoldEachVersionOnce) {
  v1::ListModelsRequest request;
  request.set_query("i");
  request.add_tags("small");
  for (const int size : {1, 2, 3, 4}) {
    EXPECT_THAT(Refs(request, size), ElementsAre("Fashion-A@1", "fashion-b@2", "fashion-b@1"))
        << size;
  }
}

TEST_F(ModelListTest, ListsShowLabelsButNoCards) {
  v1::ListModelsRequest request;
  request.set_name("fashion-b");
  const auto page = models_->List(request);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_THAT(page->models(0).tags(), ElementsAre("old", "small", "x"));
  EXPECT_THAT(page->models(1).aliases(), ElementsAre("best"));
  EXPECT_EQ(page->models(0).card(), "");
  EXPECT_FALSE(page->models(0).has_recipe());
}

TEST_F(ModelListTest, RefusesFiltersThatAreNone) {
  const auto field = [this](const v1::ListModelsRequest& request) {
    return base::FieldOf(models_->List(request).status()).value_or("");
  };
  v1::ListModelsRequest request;
  request.set_query(std::string(129, 'a'));
  EXPECT_EQ(field(request), "query");
  request.Clear();
  request.add_tags("a b");
  EXPECT_EQ(field(request), "tags[0]");
  request.Clear();
  for (int i = 0; i < 9; ++i) request.add_tags(absl::StrCat("t", i));
  EXPECT_EQ(field(request), "tags");
  request.Clear();
  request.set_alias("7");
  EXPECT_EQ(field(request), "alias");
}

}  // namespace
}  // namespace gradus::registry
