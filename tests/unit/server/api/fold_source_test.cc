// SPDX-License-Identifier: Apache-2.0
// Which model a fold means, and which rows it is tried on.
#include "server/api/fold_source.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/base/status.h"

namespace gradus::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

template <typename Message>
Message Text(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

class FoldSourceTest : public ::testing::Test {
 protected:
  FoldSourceTest() {
    model = Text<v1::Model>(R"(
      name: "net" version: 3 job: "j1" weights { sha256: "abc" size: 7 }
      spec { input_shape: 4 layers { dense { units: 2 } } })");
    job = Text<v1::Job>(R"(
      id: "j1" spec { data { train { dataset: "digits" scale: 0.5 }
                             validation { dataset: "digits" range: 0 range: 10 }
                             test { dataset: "digits" split: "test" } } })");
    datasets["digits"] = Text<v1::Dataset>(R"(
      name: "digits"
      splits { name: "train" rows: 9000 columns { name: "x" dtype: "F32" shape: 4 } }
      splits { name: "test" rows: 5 columns { name: "x" dtype: "F32" shape: 4 } })");
    spec = Text<v1::JobSpec>("kind: FOLD fold { model: 'net' }");
  }

  SpecSources Sources() {
    return {.dataset = [this](const std::string& name) -> absl::StatusOr<v1::Dataset> {
              const auto found = datasets.find(name);
              if (found == datasets.end()) return absl::NotFoundError("no such dataset");
              return found->second;
            },
            .model = [this](const std::string& ref) -> absl::StatusOr<v1::Model> {
              if (ref == "net@") return base::InvalidArgument("ref", ref, "a model reference");
              if (ref != "net" && ref != "net@3")
                return absl::NotFoundError("there is no model \"" + ref + "\"");
              return model;
            },
            .job = [this](const std::string& id) -> absl::StatusOr<v1::Job> {
              if (id != job.id()) return absl::NotFoundError("there is no job " + id);
              return job;
            }};
  }
  // What becomes of a fresh spec.
  absl::Status Fill() {
    filled = spec;
    return FillFold(Sources(), filled).status();
  }
  std::string ErrorOf() {
    const absl::Status status = Fill();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }

  v1::Model model;
  v1::Job job;
  std::map<std::string, v1::Dataset> datasets;
  v1::JobSpec spec;
  v1::JobSpec filled;
};

TEST_F(FoldSourceTest, PinsTheVersionAndTakesItsDefinitionAndWeights) {
  const auto weights = FillFold(Sources(), spec);
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->index().sha256(), "abc");
  EXPECT_EQ(spec.fold().model(), "net@3");
  EXPECT_EQ(spec.model().SerializeAsString(), model.spec().SerializeAsString());
  EXPECT_TRUE(FillFold(Sources(), spec).ok()) << "the effective spec says the same again";
}

TEST_F(FoldSourceTest, TheRowsAreThoseOfTheValidationThenOfTheTestThenOfTheTraining) {
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(filled.data().test().range(1), 10);
  job.mutable_spec()->mutable_data()->clear_validation();
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(filled.data().test().split(), "test");
  EXPECT_FALSE(filled.data().test().has_take());
  job.mutable_spec()->mutable_data()->clear_test();
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(filled.data().test().scale(), 0.5);
  EXPECT_EQ(filled.data().test().take(), 4096);
}

TEST_F(FoldSourceTest, RowsThatAreGoneGiveWayToOthers) {
  job.mutable_spec()->mutable_data()->mutable_validation()->set_dataset("removed");
  ASSERT_TRUE(Fill().ok());
  EXPECT_EQ(filled.data().test().split(), "test");
}

TEST_F(FoldSourceTest, WhereThereAreNoRowsItSaysHowToNameSome) {
  const auto how = AllOf(StartsWith("data.test: there are no rows to compare the outputs on"),
                         HasSubstr("gradus model fold --data NAME"));
  datasets.clear();
  EXPECT_THAT(ErrorOf(), AllOf(how, HasSubstr("\"digits\" is not a dataset on this server")));
  job.mutable_spec()->clear_data();
  EXPECT_THAT(ErrorOf(), AllOf(how, HasSubstr("job j1 names none")));
  job.set_id("j2");
  EXPECT_THAT(ErrorOf(), AllOf(how, HasSubstr("there is no job j1")));
  model.clear_job();
  EXPECT_THAT(ErrorOf(), AllOf(how, HasSubstr("net@3 is no job's work")));
}

TEST_F(FoldSourceTest, RowsThatAreNamedAreTaken) {
  spec.mutable_data()->mutable_test()->set_dataset("others");
  model.clear_job();
  ASSERT_TRUE(Fill().ok()) << "whether they are there is checked with the rest";
  EXPECT_EQ(filled.data().test().dataset(), "others");
}

TEST_F(FoldSourceTest, RefusesWhatNamesNoModelOrAnotherDefinition) {
  spec.mutable_fold()->set_model("nets");
  EXPECT_TRUE(absl::IsNotFound(Fill()));
  spec.mutable_fold()->set_model("net@");
  EXPECT_THAT(ErrorOf(), StartsWith("fold.model: \"net@\" is not a model reference"));
  spec.clear_fold();
  EXPECT_THAT(ErrorOf(), StartsWith("fold.model: a model's reference is required"));
  spec.mutable_fold()->set_model("net@3");
  spec.mutable_model()->add_input_shape(5);
  EXPECT_THAT(ErrorOf(), StartsWith("model: is not that of net@3"));
}

}  // namespace
}  // namespace gradus::api
