// SPDX-License-Identifier: Apache-2.0
#include "proto/support/set_path.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>

#include "gradus/v1/job.pb.h"
#include "proto/support/parse.h"
#include "proto/support/status.h"

namespace gradus::support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::JobSpec Spec() {
  return *Parse<v1::JobSpec>(
      "model: {layers: [flatten, dense: {units: 3, activation: relu}]}\n"
      "data: {train: {dataset: d, labels: [1, 2, 3]}, validation: {dataset: d}}\n");
}

TEST(SetPath, SetsAFieldAndMakesTheWayToIt) {
  v1::JobSpec spec;
  ASSERT_TRUE(ApplySetting("fit.seed=7", spec).ok());
  ASSERT_TRUE(ApplySetting("optimizer.sgd.learning_rate=0.1", spec).ok());
  EXPECT_EQ(spec.fit().seed(), 7u);
  EXPECT_EQ(spec.optimizer().sgd().learning_rate(), 0.1);
}

TEST(SetPath, ReachesIntoListsOfMessages) {
  v1::JobSpec spec = Spec();
  ASSERT_TRUE(ApplySetting("model.layers[1].dense.units=50", spec).ok());
  EXPECT_EQ(spec.model().layers(1).dense().units(), 50);
  EXPECT_TRUE(spec.model().layers(1).dense().activation().has_relu());
  ASSERT_TRUE(ApplySetting("model.layers[2]=flatten", spec).ok());
  EXPECT_TRUE(spec.model().layers(2).has_flatten());
  ASSERT_TRUE(ApplySetting("model.layers[0]={dense: {units: 9}}", spec).ok());
  EXPECT_EQ(spec.model().layers(0).dense().units(), 9);
  EXPECT_EQ(spec.model().layers_size(), 3);
}

TEST(SetPath, ReplacesListsAndTheirEntries) {
  v1::JobSpec spec = Spec();
  ASSERT_TRUE(ApplySetting("data.train.labels[1]=9", spec).ok());
  EXPECT_THAT(spec.data().train().labels(), ElementsAre(1, 9, 3));
  ASSERT_TRUE(ApplySetting("data.train.labels[3]=4", spec).ok());
  EXPECT_THAT(spec.data().train().labels(), ElementsAre(1, 9, 3, 4));
  ASSERT_TRUE(ApplySetting("data.train.labels=[5, 6]", spec).ok());
  EXPECT_THAT(spec.data().train().labels(), ElementsAre(5, 6));
}

TEST(SetPath, NullTakesOut) {
  v1::JobSpec spec = Spec();
  ASSERT_TRUE(ApplySetting("data.validation=null", spec).ok());
  EXPECT_FALSE(spec.data().has_validation());
  ASSERT_TRUE(ApplySetting("data.train.labels[0]=", spec).ok());
  EXPECT_THAT(spec.data().train().labels(), ElementsAre(2, 3));
}

TEST(SetPath, AnotherKindGivesWay) {
  v1::JobSpec spec = Spec();
  ASSERT_TRUE(ApplySetting("model.layers[1].dense.activation.tanh={}", spec).ok());
  EXPECT_TRUE(spec.model().layers(1).dense().activation().has_tanh());
}

TEST(SetPath, ErrorsNameThePathAndChangeNothing) {
  const v1::JobSpec before = Spec();
  v1::JobSpec spec = before;
  const struct {
    const char* setting;
    const char* error;
  } cases[] = {
      {"fit.sed=7", "fit.sed: unknown key; did you mean \"seed\"?"},
      {"fit.seed=abc", "fit.seed: \"abc\" is not a whole number"},
      {"model.layers[7].dense.units=1",
       "model.layers: there are 2 entries, so the index may be 0 to 2"},
      {"model.layers.dense=1", "model.layers: is a list"},
      {"fit[0]=1", "fit: is not a list"},
      {"name.x=1", "name: is a single value"},
      {"data.train.labels[1]=x", "data.train.labels[1]: \"x\" is not a whole number"},
      {"data.train.labels[9]=x", "data.train.labels: there are 3 entries"},
      {"model.layers[1].dense.unitz=1", "model.layers[1].dense.unitz: unknown key"},
      {"name=[1", "name: "},
      {"nothing", "\"nothing\" is not PATH=VALUE"},
      {"=7", "is not the path of a field"},
  };
  for (const auto& c : cases) {
    const absl::Status status = ApplySetting(c.setting, spec);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.setting;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.error)) << c.setting;
    EXPECT_THAT(std::string(status.message()), ::testing::Not(HasSubstr("line 0"))) << c.setting;
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(before, spec)) << c.setting;
  }
}

}  // namespace
}  // namespace gradus::support
