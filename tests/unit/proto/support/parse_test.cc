// SPDX-License-Identifier: Apache-2.0
#include "proto/support/parse.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "gradus/v1/config.pb.h"
#include "gradus/v1/job.pb.h"
#include "proto/support/status.h"

namespace gradus::support {
namespace {

using ::testing::HasSubstr;

// The job file of the interface's contract.
constexpr char kFashionA[] = R"(name: fashion-a
model:
  input_shape: [28, 28]
  layers:
    - flatten
    - dense: {units: 100, activation: relu, kernel_initializer: he_normal}
    - dense: {units: 8, activation: softmax}
data:
  train:      {dataset: fashion-mnist, split: train, range: [0, 55000], labels: [1, 3, 4, 5, 6, 7, 8, 9], scale: 0.00392156862745098}
  test:       {dataset: fashion-mnist, split: test, labels: [1, 3, 4, 5, 6, 7, 8, 9], scale: 0.00392156862745098}
loss: sparse_categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.001}}
metrics: [accuracy]
fit: {epochs: 20, batch_size: 32, seed: 42}
publish: {model: fashion-a}
)";

absl::Status ErrorOf(absl::string_view text) { return Parse<v1::JobSpec>(text).status(); }

TEST(Parse, ReadsTheContractsJobFile) {
  const auto spec = Parse<v1::JobSpec>(kFashionA);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->model().input_shape_size(), 2);
  EXPECT_TRUE(spec->model().layers(0).has_flatten());
  EXPECT_EQ(spec->model().layers(1).dense().units(), 100);
  EXPECT_TRUE(spec->model().layers(1).dense().activation().has_relu());
  EXPECT_TRUE(spec->model().layers(1).dense().kernel_initializer().has_he_normal());
  EXPECT_EQ(spec->data().train().range(1), 55000);
  EXPECT_EQ(spec->data().train().scale(), 0.00392156862745098);
  EXPECT_TRUE(spec->loss().has_sparse_categorical_crossentropy());
  EXPECT_EQ(spec->metrics_size(), 1);
  EXPECT_EQ(spec->fit().seed(), 42u);
}

TEST(Parse, JsonAndYamlOfOneShapeAreTheSame) {
  const auto yaml = Parse<v1::JobSpec>(
      "name: a\nfit:\n  seed: 9007199254740993\n  shuffle: false\nmetrics: accuracy\n");
  const auto json = Parse<v1::JobSpec>(
      "{\"name\": \"a\",\n \"fit\": {\"seed\": \"9007199254740993\", \"shuffle\": false},\n "
      "\"metrics\": [{\"accuracy\": {}}]}");
  ASSERT_TRUE(yaml.ok()) << yaml.status();
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*yaml, *json));
}

TEST(Parse, ANumberIsBothEndsOfARange) {
  const auto number = Parse<v1::JobSpec>("fit: {workers: 4}");
  const auto range = Parse<v1::JobSpec>("fit: {workers: {min: 4, max: 4}}");
  ASSERT_TRUE(number.ok()) << number.status();
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*number, *range));
}

TEST(Parse, OrdinaryFieldsStandBesideTheKind) {
  const auto spec = Parse<v1::JobSpec>(
      "model: {layers: [{name: out, inputs: skip, dense: {units: 3}, trainable: false}]}");
  ASSERT_TRUE(spec.ok()) << spec.status();
  const v1::Layer& layer = spec->model().layers(0);
  EXPECT_EQ(layer.name(), "out");
  EXPECT_EQ(layer.inputs(0), "skip");
  EXPECT_EQ(layer.dense().units(), 3);
  EXPECT_FALSE(layer.trainable());
}

TEST(Parse, EnumWordsComeInAnyCase) {
  for (const char* word : {"fan_avg", "FAN_AVG", "Fan_Avg"}) {
    const auto spec = Parse<v1::JobSpec>(
        std::string("model: {layers: [dense: {kernel_initializer: {variance_scaling: {mode: ") +
        word + "}}}]}");
    ASSERT_TRUE(spec.ok()) << spec.status();
    EXPECT_EQ(spec->model().layers(0).dense().kernel_initializer().variance_scaling().mode(),
              v1::VarianceScaling::FAN_AVG);
  }
}

TEST(Parse, AnUnknownKeyNamesItsLineAndTheNearestOne) {
  const absl::Status status =
      ErrorOf("name: a\nmodel:\n  layers:\n    - flatten\n    - dense:\n        unitz: 3\n");
  EXPECT_EQ(status.message(),
            "line 6: model.layers[1].dense.unitz: unknown key; did you mean \"units\"?");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(status), "model.layers[1].dense.unitz");
}

struct Case {
  const char* text;
  const char* error;
};

TEST(Parse, EveryErrorSaysWhereWhatAndWhatIsAllowed) {
  const std::vector<Case> cases = {
      {"fit: {epochs: 1}\nname: a\nfit: {}\n", "line 3: fit: given twice, first on line 1"},
      {"fit: {epochs: abc}", "line 1: fit.epochs: \"abc\" is not a whole number from"},
      {"fit: {epochs: [1]}", "line 1: fit.epochs: a list is not a single value"},
      {"fit: 3", "line 1: fit: 3 is not a mapping of keys to values"},
      {"fit: {workers: many}", "line 1: fit.workers: \"many\" is not a whole number from"},
      {"fit: {workers: [4]}", "line 1: fit.workers: a list is not a mapping of keys to values"},
      {"fit: {stages: {epochs: [3]}}",
       "line 1: fit.stages[0].epochs: a list is not a single value"},
      {"fit:\n  seed: null\n",
       "line 2: fit.seed: null is not a value; leave the key out to have the default"},
      {"fit:\n", "line 1: fit: null is not a value"},
      {"model:\n  layers:\n    - dense: {units: 3}\n      flatten: {}\n",
       "line 4: model.layers[0]: both \"dense\" and \"flatten\"; only one of them is allowed"},
      {"loss: mean_squared_eror",
       "line 1: loss: \"mean_squared_eror\" is unknown; did you mean \"mean_squared_error\"?"},
      {"model: {layers: [dense: {activation: {tanh: {slope: 1}}}]}",
       "line 1: model.layers[0].dense.activation.tanh.slope: unknown key; nothing may be set here"},
      {"model: {layers: [dense: {kernel_initializer: {variance_scaling: {mode: fan_inn}}}]}",
       "\"fan_inn\" is not one of fan_in, fan_out, fan_avg; did you mean \"fan_in\"?"},
      {"- a\n", "line 1: a list is not a mapping"},
      {"just words", "line 1: \"just words\" is not a mapping"},
      {"", "nothing in it"},
  };
  for (const Case& c : cases) {
    const absl::Status status = ErrorOf(c.text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.error)) << c.text;
  }
}

TEST(Parse, ABareWordStandsForAKindOnly) {
  // `name` is a field of a layer, but no kind of layer.
  EXPECT_THAT(std::string(ErrorOf("model: {layers: [name]}").message()),
              HasSubstr("\"name\" is unknown"));
}

TEST(Parse, ReplacesWhatTheMessageHadBefore) {
  v1::ServerConfig config;
  config.set_listen("old");
  ASSERT_TRUE(ParseText("data_dir: /srv", config).ok());
  EXPECT_EQ(config.listen(), "");
}

// What an editor, a broken disk or an attacker makes of a job file.
std::string Mutated(std::mt19937_64& random) {
  const char* const pieces[] = {
      "{", "}",  "[",  "]", ": ",   "- ",    "&a ", "*a",   "\"",   "'",    "|",     ">",       "!",
      "%", "\n", "\t", "?", "null", "1e999", "-1",  ".nan", "kind", "\xff", "dense", "[[[[[[[["};
  std::string text = kFashionA;
  const size_t changes = 1 + random() % 6;
  for (size_t i = 0; i < changes; ++i) {
    const size_t at = random() % (text.size() + 1);
    switch (random() % 4) {
      case 0:
        text.insert(at, pieces[random() % std::size(pieces)]);
        break;
      case 1:
        text.erase(at, random() % 20);
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      default:
        text.insert(at, text.substr(random() % text.size(), random() % 100));
    }
  }
  return text;
}

TEST(Parse, AnyChangeGivesAJobOrAnErrorThatSaysWhere) {
  std::mt19937_64 random(11);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = Mutated(random);
    const absl::Status status = ErrorOf(text);
    if (status.ok()) continue;
    ++refused;
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status << "\n" << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("line ")) << text;
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace gradus::support
