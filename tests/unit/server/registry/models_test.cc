// SPDX-License-Identifier: Apache-2.0
#include "server/registry/models.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/registry/model_ref.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ModelsTest : public RegistryFixture {
 protected:
  // The reference of the next version, or "".
  std::string Published(const std::string& model, const std::string& weights) {
    const auto ref = Publish(model, weights);
    EXPECT_TRUE(ref.ok()) << ref.status();
    return ref.ok() ? *ref : "";
  }

  int64_t VersionOf(const std::string& ref) {
    const auto model = models_->Get(ref);
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? model->version() : -1;
  }

  absl::StatusOr<v1::ListModelsResponse> List(int page_size, const std::string& token = "",
                                              const std::string& name = "") {
    v1::ListModelsRequest request;
    request.set_page_size(page_size);
    request.set_page_token(token);
    request.set_name(name);
    return models_->List(request);
  }

  std::vector<std::string> ListAll(int page_size, const std::string& name = "") {
    std::vector<std::string> refs;
    std::string token;
    do {
      const auto page = List(page_size, token, name);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const v1::Model& model : page->models())
        refs.push_back(VersionRef(model.name(), model.version()));
      token = page->next_page_token();
    } while (!token.empty());
    return refs;
  }
};

TEST_F(ModelsTest, PublishedIsWhatTheJobMade) {
  EXPECT_EQ(Published("net", "weights"), "net@1");
  const auto model = models_->Get("net");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->job(), "j1");
  EXPECT_EQ(model->owner(), "ann");
  EXPECT_THAT(model->datasets(), ElementsAre("digits", "others"));
  EXPECT_EQ(model->digest(), model->weights().sha256());
  EXPECT_EQ(model->total_params(), 20);
  EXPECT_EQ(model->metrics().at("loss"), 0.5);
  EXPECT_EQ(model->spec().layers(0).name(), "dense");
  EXPECT_EQ(model->recipe().data().test().dataset(), "others");
  EXPECT_FALSE(model->recipe().has_model()) << "that is the definition";
  EXPECT_FALSE(model->recipe().has_publish());
  EXPECT_EQ(model->created_at().seconds(), clock_.NowMicros() / 1'000'000);
  EXPECT_EQ(*models_->OwnerOf("net@1"), "ann");
}

TEST_F(ModelsTest, AFoldedModelIsWhatTheRankMadeOfItsParent) {
  Published("net", "weights");
  v1::Job job;
  job.set_id("j2");
  job.set_owner("bob");
  job.mutable_spec()->set_kind(v1::JobSpec::FOLD);
  job.mutable_spec()->mutable_fold()->set_model("net@1");
  job.mutable_spec()->mutable_publish()->set_model("net");
  *job.mutable_spec()->mutable_model() = models_->Get("net@1")->spec();
  job.mutable_spec()->mutable_data()->mutable_test()->set_dataset("digits");
  v1::RankFinished finished;
  *finished.mutable_weights() = PutWeights("folded");
  const auto publish = [&]() -> absl::StatusOr<std::string> {
    std::string ref;
    RETURN_IF_ERROR(store_->Write([&](store::Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(ref, models_->Publish(tx, job, finished));
      return absl::OkStatus();
    }));
    return ref;
  };
  EXPECT_FALSE(publish().ok()) << "without a definition";
  finished.mutable_model()->add_input_shape(4);
  finished.mutable_model()->add_layers()->mutable_dense()->set_units(2);
  EXPECT_EQ(publish().value(), "net@2");
  const auto model = models_->Get("net");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(model->parents(), ElementsAre("net@1"));
  EXPECT_THAT(model->datasets(), ElementsAre("digits"));
  EXPECT_EQ(model->spec().SerializeAsString(), finished.model().SerializeAsString());
  EXPECT_EQ(model->job(), "j2");
  EXPECT_TRUE(models_->Get("net@1")->parents().empty());
}

TEST_F(ModelsTest, AVersionIsNeverGivenAgain) {
  EXPECT_EQ(Published("net", "1"), "net@1");
  EXPECT_EQ(Published("net", "2"), "net@2");
  EXPECT_EQ(Published("other", "2"), "other@1");
  ASSERT_TRUE(RemoveModel("net@2", "r1").ok());
  EXPECT_EQ(Published("net", "3"), "net@3");
  for (const char* ref : {"net@1", "net@3"})
    ASSERT_TRUE(RemoveModel(ref, absl::StrCat("r-", ref)).ok());
  EXPECT_TRUE(absl::IsNotFound(models_->Get("net").status()));
  EXPECT_EQ(Published("net", "4"), "net@4");
}

TEST_F(ModelsTest, AReferenceMeansTheNewestAVersionOrADigest) {
  Published("net", "first");
  Published("net", "second");
  Published("net", "first");
  const std::string first = models_->Get("net@1")->digest();
  const std::string second = models_->Get("net@2")->digest();
  EXPECT_EQ(VersionOf("net"), 3);
  EXPECT_EQ(VersionOf("net@2"), 2);
  EXPECT_EQ(VersionOf("net@sha256:" + second), 2);
  EXPECT_EQ(VersionOf("net@sha256:" + first), 3) << "the newest of those weights";
  for (const std::string& ref : {std::string("net@4"), std::string("nets"),
                                 std::string("net@newest"), "net@sha256:" + std::string(64, '0')}) {
    const absl::Status missing = models_->Get(ref).status();
    EXPECT_TRUE(absl::IsNotFound(missing)) << missing;
    EXPECT_THAT(missing.message(), HasSubstr(ref));
  }
}

TEST_F(ModelsTest, RefusesReferencesThatAreNone) {
  Published("net", "weights");
  const std::string digest(64, 'a');
  const std::vector<std::string> refs = {"",
                                         "@1",
                                         "net@",
                                         "net@0",
                                         "net@01",
                                         "net@+1",
                                         "net@ 1",
                                         "net@99999999999999999999",
                                         "net@sha256",
                                         "net@.1",
                                         "net@00",
                                         "net@" + std::string(129, 'a'),
                                         "net@1@1",
                                         "../net",
                                         "net/1",
                                         std::string("net\0@1", 6),
                                         "net@sha256:",
                                         "net@sha256:" + digest.substr(1),
                                         "net@sha256:" + digest + "a",
                                         "net@sha256:" + std::string(64, 'A'),
                                         "net@SHA256:" + digest,
                                         "net' OR 1=1 --",
                                         std::string(200, 'n')};
  for (const std::string& ref : refs) {
    const absl::Status refused = models_->Get(ref).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << ref << ": " << refused;
    EXPECT_EQ(base::FieldOf(refused), "ref") << ref;
  }
}

TEST_F(ModelsTest, APublicationThatFailsTakesNoVersion) {
  v1::Job job;
  job.mutable_spec()->mutable_publish()->set_model("net");
  v1::RankFinished finished;
  finished.mutable_weights()->set_sha256(std::string(64, '0'));
  const absl::Status failed =
      store_->Write([&](store::Tx& tx) { return models_->Publish(tx, job, finished).status(); });
  EXPECT_TRUE(absl::IsFailedPrecondition(failed)) << failed;
  EXPECT_EQ(Count("model_names"), 0);
  EXPECT_EQ(Published("net", "weights"), "net@1");
}

TEST_F(ModelsTest, PagesTogetherHoldEachVersionOnceByNameNewestFirst) {
  for (int i = 0; i < 3; ++i) Published("b", absl::StrCat(i));
  for (int i = 0; i < 2; ++i) Published("a", absl::StrCat(i));
  Published("c", "0");
  for (const int page_size : {1, 2, 4, 6, 7}) {
    EXPECT_THAT(ListAll(page_size), ElementsAre("a@2", "a@1", "b@3", "b@2", "b@1", "c@1"))
        << page_size;
  }
  EXPECT_THAT(ListAll(1, "b"), ElementsAre("b@3", "b@2", "b@1"));
  EXPECT_THAT(ListAll(1, "nobody"), ElementsAre());
}

TEST_F(ModelsTest, ListsLeaveOutDefinitionAndWeights) {
  Published("net", "weights");
  const auto page = List(0);
  ASSERT_TRUE(page.ok());
  EXPECT_FALSE(page->models(0).has_spec());
  EXPECT_FALSE(page->models(0).has_weights());
  EXPECT_EQ(page->models(0).layers_size(), 1);
}

TEST_F(ModelsTest, APageStaysBelowTheSizeOfAMessage) {
  std::vector<std::string> layers;
  for (int i = 0; i < 3000; ++i) layers.push_back(absl::StrCat(std::string(100, 'l'), i));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Publish("deep", absl::StrCat(i), layers).ok());
  const auto page = List(0);
  ASSERT_TRUE(page.ok());
  EXPECT_LT(page->ByteSizeLong(), 1U << 20);
  EXPECT_NE(page->next_page_token(), "");
  EXPECT_THAT(ListAll(0), ElementsAre("deep@4", "deep@3", "deep@2", "deep@1"));
}

TEST_F(ModelsTest, RefusesPagesThatAreNone) {
  for (const int size : {-1, 1001})
    EXPECT_EQ(base::FieldOf(List(size).status()), "page_size") << size;
  for (const char* token : {"net", "net@x", "@1", "net@sha256:0", "' OR 1=1 --"}) {
    EXPECT_EQ(base::FieldOf(List(1, token).status()), "page_token") << token;
  }
  EXPECT_EQ(base::FieldOf(List(1, "", "../net").status()), "name");
}

TEST_F(ModelsTest, RemovalNeedsOneVersion) {
  Published("net", "same");
  Published("net", "same");
  const std::string by_digest = "net@sha256:" + models_->Get("net")->digest();
  EXPECT_EQ(base::FieldOf(RemoveModel("net", "r1")), "ref");
  const absl::Status two = RemoveModel(by_digest, "r2");
  EXPECT_EQ(base::FieldOf(two), "ref");
  EXPECT_THAT(two.message(), HasSubstr("net@1"));
  EXPECT_THAT(two.message(), HasSubstr("net@2"));
  ASSERT_TRUE(RemoveModel("net@2", "r3").ok());
  EXPECT_TRUE(RemoveModel(by_digest, "r4").ok());
  EXPECT_EQ(Count("models"), 0);
}

TEST_F(ModelsTest, ARepeatedRemovalIsOneRemoval) {
  Published("net", "1");
  ASSERT_TRUE(RemoveModel("net@1", "r1").ok());
  EXPECT_TRUE(RemoveModel("net@1", "r1").ok());
  EXPECT_TRUE(absl::IsNotFound(RemoveModel("net@1", "r2")));
  EXPECT_TRUE(absl::IsAlreadyExists(RemoveModel("net@2", "r1")))
      << "the request id of another request";
}

TEST_F(ModelsTest, AnotherUserDoesNotRemoveIt) {
  ASSERT_TRUE(Publish("net", WeightsFile({"dense"}, 3)).ok());
  v1::RemoveModelRequest request;
  request.set_ref("net@1");
  request.set_request_id("one");
  EXPECT_TRUE(absl::IsPermissionDenied(models_->Remove({"bob", false}, request)));
  EXPECT_TRUE(models_->Get("net@1").ok());
  EXPECT_TRUE(models_->Remove({"root", true}, request).ok());
  EXPECT_TRUE(models_->Remove({"root", true}, request).ok()) << "a retry";
}

TEST_F(ModelsTest, ARemovedVersionLetsItsWeightsGo) {
  Published("net", "shared");
  Published("net", "shared");
  Published("net", "alone");
  const v1::BlobRef shared = models_->Get("net@1")->weights();
  const v1::BlobRef alone = models_->Get("net@3")->weights();
  ASSERT_TRUE(RemoveModel("net@1", "r1").ok());
  ASSERT_TRUE(RemoveModel("net@3", "r2").ok());
  Collect();
  EXPECT_TRUE(Has(shared)) << "net@2 has the same weights";
  EXPECT_FALSE(Has(alone));
  ASSERT_TRUE(RemoveModel("net@2", "r3").ok());
  Collect();
  EXPECT_FALSE(Has(shared));
}

}  // namespace
}  // namespace gradus::registry
