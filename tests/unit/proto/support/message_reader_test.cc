// SPDX-License-Identifier: Apache-2.0
#include "proto/support/message_reader.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <string>

#include "gradus/v1/data.pb.h"
#include "gradus/v1/events.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/model.pb.h"
#include "proto/support/parse.h"
#include "proto/support/status.h"

namespace gradus::support {
namespace {

TEST(MessageReader, KnowsWhichMessagesTakeABareWord) {
  EXPECT_TRUE(TakesBareWord(*v1::Layer::descriptor()));
  EXPECT_TRUE(TakesBareWord(*v1::Activation::descriptor()));
  EXPECT_FALSE(TakesBareWord(*v1::Dense::descriptor()));  // `optional` fields are no choice
  EXPECT_FALSE(TakesBareWord(*v1::JobSpec::descriptor()));
}

TEST(MessageReader, KnowsWhichMessagesAreRanges) {
  EXPECT_TRUE(TakesOneValue(*v1::Workers::descriptor()));
  EXPECT_FALSE(TakesOneValue(*v1::Fit::descriptor()));
  EXPECT_FALSE(TakesOneValue(*v1::LearningRateFinder::descriptor()));
}

TEST(MessageReader, ReadsMapsAndTimes) {
  const auto event = Parse<v1::Event>(
      "{time: \"2024-01-31T12:00:00Z\", progress: {metrics: {loss: 0.5, accuracy: 1}}}");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->time().seconds(), 1706702400);
  EXPECT_EQ(event->progress().metrics().at("loss"), 0.5);
  const auto column = Parse<v1::Column>("label_counts: {3: 7, \"-1\": 2}");
  ASSERT_TRUE(column.ok()) << column.status();
  EXPECT_EQ(column->label_counts().at(-1), 2);
}

TEST(MessageReader, AMapTakesNoKeyTwice) {
  EXPECT_EQ(Parse<v1::Column>("label_counts: {3: 7, 3: 8}").status().message(),
            "line 1: label_counts.3: given twice, first on line 1");
}

TEST(MessageReader, AliasesDoNotMultiply) {
  std::string layers = "model: {layers: [";
  layers += "&x1 {dense: {units: 1}}, ";
  for (int i = 0; i < 40'000; ++i) layers += "*x1, ";
  const absl::Status honest = Parse<v1::JobSpec>(layers + "]}").status();
  EXPECT_TRUE(honest.ok()) << honest;
  for (int i = 0; i < 110'000; ++i) layers += "*x1, ";
  const absl::Status refused = Parse<v1::JobSpec>(layers + "]}").status();
  EXPECT_NE(refused.message().find("300000"), std::string::npos) << refused;
}

TEST(MessageReader, AliasesDoNotMultiplyWhatIsCopied) {
  // Four bytes of file for half a megabyte of message, a hundred thousand times.
  std::string names = "model: {layers: [{name: &n " + std::string(500'000, 'a') + ", inputs: [";
  for (int i = 0; i < 100'000; ++i) names += "*n, ";
  const absl::Status refused = Parse<v1::JobSpec>(names + "]}]}").status();
  EXPECT_NE(refused.message().find("8388608 bytes of text"), std::string::npos) << refused;
}

TEST(MessageReader, ABillionLaughsAreRefusedBeforeTheyAreToldOnce) {
  std::string text = "l0: &l0 [lol]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string name = "l" + std::to_string(i);
    text += name + ": &" + name + " [";
    for (int k = 0; k < 10; ++k) text += "*l" + std::to_string(i - 1) + ", ";
    text += "]\n";
  }
  EXPECT_EQ(Parse<v1::JobSpec>(text).status().message().substr(0, 23), "line 1: l0: unknown key");
  // The same where lists of lists would be read.
  EXPECT_EQ(Parse<v1::JobSpec>("name: a\nmetrics: [&a [accuracy], *a]").status().message(),
            "line 2: metrics[0]: a list is not a mapping of keys to values");
}

TEST(MessageReader, AKeyIsShownShortAndOnOneLine) {
  const std::string evil = "\"" + std::string(100'000, 'k') + "\"";
  EXPECT_LT(Parse<v1::JobSpec>(evil + ": 1").status().message().size(), 300u);
  EXPECT_EQ(Parse<v1::JobSpec>("\"a\\n\\e[2J\": 1").status().message().substr(0, 25),
            "line 1: a ?[2J: unknown k");
}

}  // namespace
}  // namespace gradus::support
