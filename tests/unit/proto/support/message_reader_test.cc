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

}  // namespace
}  // namespace gradus::support
