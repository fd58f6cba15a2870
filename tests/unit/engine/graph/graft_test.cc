// SPDX-License-Identifier: Apache-2.0
#include "engine/graph/graft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "engine/base/status.h"
#include "proto/support/parse.h"

namespace gradus::graph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 4 - dense 3 - dense_1 2 - dense_2 1.
constexpr char kStack[] =
    "{input_shape: [4], layers: [dense: {units: 3}, dense: {units: 2}, dense: {units: 1}]}";
// Two inputs that meet; the tower is used twice.
constexpr char kTwins[] = R"(
inputs: [{name: left, shape: [4]}, {name: right, shape: [4]}]
layers:
  - {name: tower, dense: {units: 3}, inputs: [left]}
  - {name: again, shares: tower, inputs: [right]}
  - {name: both, concatenate: {}, inputs: [tower, again]}
  - {name: head, dense: {units: 1}}
)";

class Registry {
 public:
  Registry() {
    Add("stack@1", kStack);
    Add("twins@2", kTwins);
  }
  void Add(const std::string& ref, const std::string& yaml) {
    models_[ref] = std::make_unique<Published>(
        Published{ref, Graph::Create(support::Parse<v1::ModelSpec>(yaml).value()).value()});
  }
  absl::Status Graft(v1::JobSpec& spec) {
    return graph::Graft(spec, [this](const std::string& ref) -> absl::StatusOr<const Published*> {
      // A name means its newest version.
      const auto found = models_.find(
          ref.find('@') == std::string::npos ? ref + (ref == "twins" ? "@2" : "@1") : ref);
      if (found == models_.end()) return absl::NotFoundError("there is no model " + ref);
      return found->second.get();
    });
  }

 private:
  std::map<std::string, std::unique_ptr<Published>> models_;
};

v1::JobSpec Job(const std::string& model, const std::string& fit = "{}") {
  return support::Parse<v1::JobSpec>("{model: " + model + ", fit: " + fit + "}").value();
}

std::vector<std::string> Names(const v1::ModelSpec& model) {
  std::vector<std::string> names;
  for (const v1::Layer& layer : model.layers()) names.push_back(layer.name());
  return names;
}

std::vector<std::string> Sources(const v1::ModelSpec& model) {
  std::vector<std::string> sources;
  for (const v1::Layer& layer : model.layers()) sources.push_back(layer.from());
  return sources;
}

TEST(Graft, PutsTheChosenLayersBeforeTheModelsOwn) {
  Registry registry;
  v1::JobSpec spec = Job("{base: {model: stack, layers: ':-1'}, layers: [dense: {units: 7}]}",
                         "{stages: [{epochs: 1, freeze: [base]}, {epochs: 1, unfreeze: [base]}]}");
  ASSERT_TRUE(registry.Graft(spec).ok());
  EXPECT_TRUE(spec.model().base().empty());
  EXPECT_THAT(spec.model().input_shape(), ElementsAre(4));
  EXPECT_THAT(Names(spec.model()), ElementsAre("dense", "dense_1", ""));
  EXPECT_THAT(Sources(spec.model()), ElementsAre("stack@1/dense", "stack@1/dense_1", ""));
  EXPECT_THAT(spec.fit().stages(0).freeze(), ElementsAre("dense", "dense_1"));
  EXPECT_THAT(spec.fit().stages(1).unfreeze(), ElementsAre("dense", "dense_1"));
  const auto graph = Graph::Create(spec.model());
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_THAT(graph->layer_names(), ElementsAre("dense", "dense_1", "dense_2"));
  EXPECT_EQ(graph->nodes()[2].inputs[0], 1);
}

TEST(Graft, AMissingModelStaysMissing) {
  Registry registry;
  v1::JobSpec spec;
  ASSERT_TRUE(registry.Graft(spec).ok());
  EXPECT_FALSE(spec.has_model());
}

TEST(Graft, DoneAgainChangesNothing) {
  Registry registry;
  v1::JobSpec spec = Job("{base: {model: stack}, layers: [dense: {units: 7}]}");
  ASSERT_TRUE(registry.Graft(spec).ok());
  const std::string once = spec.SerializeAsString();
  ASSERT_TRUE(registry.Graft(spec).ok());
  EXPECT_EQ(spec.SerializeAsString(), once);
}

TEST(Graft, TakesListsAndAllUpToALayer) {
  Registry registry;
  v1::JobSpec spec = Job("{base: {model: stack@1, until: dense_1}, layers: [dense: {units: 7}]}");
  ASSERT_TRUE(registry.Graft(spec).ok());
  EXPECT_THAT(Names(spec.model()), ElementsAre("dense", "dense_1", ""));
  spec = Job("{base: {model: stack@1, layers: [dense, '1:2']}, layers: [dense: {units: 7}]}");
  ASSERT_TRUE(registry.Graft(spec).ok());
  EXPECT_THAT(Names(spec.model()), ElementsAre("dense", "dense_1", ""));
}

// What lies before the first chosen layer is the model's input then.
TEST(Graft, UpperLayersReadTheModelsInput) {
  Registry registry;
  v1::JobSpec spec =
      Job("{input_shape: [3], base: {model: stack, layers: '1:'}, layers: [dense: {units: 7}]}");
  ASSERT_TRUE(registry.Graft(spec).ok());
  const auto graph = Graph::Create(spec.model());
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->nodes()[0].inputs[0], IndexOfInput(0));
  EXPECT_EQ(graph->parameters()[0].name, "dense_1/kernel");
}

TEST(Graft, KeepsWhatIsSharedWithinABase) {
  Registry registry;
  v1::JobSpec spec =
      Job("{base: {model: twins, layers: [tower, again, both]}, layers: [dense: {units: 7}]}");
  ASSERT_TRUE(registry.Graft(spec).ok());
  EXPECT_EQ(spec.model().inputs_size(), 2);
  EXPECT_EQ(spec.model().layers(1).shares(), "tower");
  EXPECT_THAT(Sources(spec.model()), ElementsAre("twins@2/tower", "", "", ""));
  EXPECT_TRUE(Graph::Create(spec.model()).ok());
}

TEST(Graft, SeveralBasesHaveNamesThatDoNotMeet) {
  Registry registry;
  v1::JobSpec spec = Job(R"({base: [{model: stack, layers: ':2', name: left},
                                    {model: stack, layers: ':2', name: right, inputs: [left]}],
                             input_shape: [4],
                             layers: [{dense: {units: 7}, inputs: [right]}]})",
                         "{stages: [{epochs: 1, freeze: [right]}]}");
  const absl::Status status = registry.Graft(spec);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(Names(spec.model()),
              ElementsAre("dense", "dense_1", "right_dense", "right_dense_1", ""));
  EXPECT_THAT(spec.model().layers(2).inputs(), ElementsAre("dense_1"));
  EXPECT_THAT(spec.model().layers(4).inputs(), ElementsAre("right_dense_1"));
  EXPECT_THAT(spec.fit().stages(0).freeze(), ElementsAre("right_dense", "right_dense_1"));
}

TEST(Graft, ALayerOfTheModelMayBeCalledAsOneOfTheBase) {
  Registry registry;
  v1::JobSpec spec =
      Job("{base: {model: stack, layers: ':1'}, layers: [{name: dense, dense: {units: 7}}]}");
  ASSERT_TRUE(registry.Graft(spec).ok());
  EXPECT_THAT(Names(spec.model()), ElementsAre("base_dense", "dense"));
  EXPECT_THAT(Sources(spec.model()), ElementsAre("stack@1/dense", ""));
}

TEST(Graft, PinsTheVersionOfWhatALayerSaysItself) {
  Registry registry;
  v1::JobSpec spec = Job("{input_shape: [4], layers: [{from: stack/dense, dense: {units: 3}}]}");
  ASSERT_TRUE(registry.Graft(spec).ok());
  EXPECT_THAT(Sources(spec.model()), ElementsAre("stack@1/dense"));
}

TEST(Graft, ErrorsNameTheFieldAndWhatIsAllowed) {
  const struct {
    const char* model;
    const char* field;
    const char* error;
  } cases[] = {
      {"{base: {}, layers: [flatten]}", "model.base[0].model", "required"},
      {"{base: {model: nobody}, layers: [flatten]}", "model.base[0].model", "nobody"},
      {"{base: {model: stack, layers: [dens]}, layers: [flatten]}", "model.base[0].layers[0]",
       "did you mean"},
      {"{base: {model: stack, layers: '5:'}, layers: [flatten]}", "model.base[0].layers[0]",
       "within 3 layers"},
      {"{base: {model: stack, until: dense_9}, layers: [flatten]}", "model.base[0].until",
       "the name of a layer"},
      {"{base: {model: stack, until: dense, layers: ':1'}, layers: [flatten]}",
       "model.base[0].until", "together"},
      {"{base: {model: stack, layers: '1:'}, layers: [flatten]}", "model.base[0].inputs",
       "that the layers read: dense"},
      {"{base: {model: twins, layers: [again]}, input_shape: [4], layers: [flatten]}",
       "model.base[0].layers", "has the weights of tower"},
      {"{base: [{model: stack, name: a}, {model: stack, name: a}], layers: [flatten]}",
       "model.base[1].name", "another base"},
      {"{base: {model: stack, name: a/b}, layers: [flatten]}", "model.base[0].name", "a/b"},
      {"{input_shape: [4], layers: [{from: nothing, flatten: {}}]}", "model.layers[0].from",
       "MODEL@VERSION/LAYER"},
  };
  for (const auto& c : cases) {
    Registry registry;
    v1::JobSpec spec = Job(c.model);
    const absl::Status status = registry.Graft(spec);
    EXPECT_FALSE(status.ok()) << c.model;
    EXPECT_EQ(base::FieldOf(status), c.field) << c.model;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.error)) << c.model;
  }
}

}  // namespace
}  // namespace gradus::graph
