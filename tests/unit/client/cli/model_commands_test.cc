// SPDX-License-Identifier: Apache-2.0
// Commands on what is said about models, and on how they hang together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/parse.h"
#include "tests/unit/client/cli/testing.h"

namespace gradus::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ModelCommands : public testing::CliTest {
 protected:
  v1::Model& AddModel() {
    v1::Model& model = server->models["m@1"];
    model.set_name("m");
    model.set_version(1);
    model.add_aliases("best");
    model.add_aliases("prod");
    model.add_tags("small");
    model.set_licence("MIT");
    model.mutable_recipe()->mutable_fit()->set_epochs(7);
    return model;
  }
};

TEST_F(ModelCommands, WrongUsageAsksTheServerNothing) {
  const struct {
    std::vector<std::string> words;
    const char* error;
  } cases[] = {
      {{"model", "alias", "m@1"}, "ALIAS is required"},
      {{"model", "alias", "m@best", "prod", "--remove"}, "no second word"},
      {{"model", "tag", "m@1"}, "TAG is required"},
      {{"model", "card", "m@1", "--clear", "--file", "f"}, "exclude"},
      {{"model", "retain", "m"}, "--keep N is required"},
      {{"model", "retain", "m", "--keep", "-1"}, "--keep"},
      {{"model", "diff", "m"}, "OTHER is required"},
      {{"model", "log", "m", "--limit", "1001"}, "--limit"},
      {{"model", "ls", "m", "--name", "m"}, "give one of them"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Run(c.words), 2) << c.error;
    EXPECT_THAT(err(), HasSubstr(c.error));
  }
  EXPECT_EQ(server->calls, 0);
}

TEST_F(ModelCommands, ListsFilterOnTheServer) {
  AddModel();
  EXPECT_EQ(Run({"model", "ls", "m", "--search", "x", "--tag", "a", "--tag", "b", "--alias", "c",
                 "--owner", "d"}),
            0)
      << err();
  EXPECT_EQ(server->model_filters.name(), "m");
  EXPECT_EQ(server->model_filters.query(), "x");
  EXPECT_THAT(server->model_filters.tags(), ElementsAre("a", "b"));
  EXPECT_EQ(server->model_filters.alias(), "c");
  EXPECT_EQ(server->model_filters.owner(), "d");
  EXPECT_THAT(out(), HasSubstr("best, prod"));
  server->models.clear();
  EXPECT_EQ(Run({"model", "ls", "--tag", "a"}), 0);
  EXPECT_THAT(err(), HasSubstr("no such models"));
}

TEST_F(ModelCommands, ShowTellsTheLabels) {
  AddModel();
  EXPECT_EQ(Run({"model", "show", "m@1"}), 0);
  for (const char* text : {"best, prod", "small", "MIT"}) EXPECT_THAT(out(), HasSubstr(text));
}

TEST_F(ModelCommands, AnAliasIsSetAndTakenAwayInThreeOutputs) {
  EXPECT_EQ(Run({"model", "alias", "m@1", "best"}), 0) << err();
  EXPECT_EQ(out(), "m@best means m@1\n");
  EXPECT_EQ(server->alias_set.alias(), "best");
  EXPECT_EQ(server->alias_set.request_id().size(), 32U);
  EXPECT_EQ(Run({"model", "alias", "m@1", "best", "-q"}), 0);
  EXPECT_EQ(out(), "m@1\n");
  EXPECT_EQ(Run({"model", "alias", "m@1", "best", "--json"}), 0);
  EXPECT_EQ(out(), "{\"ref\":\"m@1\"}\n");
  EXPECT_EQ(Run({"model", "alias", "m@best", "--remove"}), 0);
  EXPECT_EQ(server->alias_removed.ref(), "m@best");
  EXPECT_EQ(out(), "m@best means nothing any more\n");
  EXPECT_EQ(Run({"model", "alias", "m@best", "--remove", "--json"}), 0);
  EXPECT_EQ(out(), "{}\n");
}

TEST_F(ModelCommands, TagsAreAddedOrRemoved) {
  EXPECT_EQ(Run({"model", "tag", "m@1", "a", "b"}), 0) << err();
  EXPECT_THAT(server->model_update.add_tags(), ElementsAre("a", "b"));
  EXPECT_FALSE(server->model_update.has_card());
  EXPECT_EQ(out(), "m@1 has the tags a, b\n");
  EXPECT_EQ(Run({"model", "tag", "m@1", "a", "--remove", "-q"}), 0);
  EXPECT_THAT(server->model_update.remove_tags(), ElementsAre("a"));
  EXPECT_EQ(out(), "m@1\n");
}

TEST_F(ModelCommands, ACardIsPrintedOrChanged) {
  v1::Model& model = AddModel();
  EXPECT_EQ(Run({"model", "card", "m@1"}), 0) << err();
  EXPECT_THAT(out(), StartsWith("# m, version 1"));
  EXPECT_THAT(out(), HasSubstr("epochs: 7"));
  model.set_card("# Mine\n\x1b[2J");
  EXPECT_EQ(Run({"model", "card", "m@1"}), 0);
  EXPECT_EQ(out(), "# Mine\n?[2J");
  EXPECT_EQ(
      Run({"model", "card", "m@1", "--file", folder.Write("c.md", "# New\n"), "--licence", "MIT"}),
      0)
      << err();
  EXPECT_EQ(server->model_update.card(), "# New\n");
  EXPECT_EQ(server->model_update.licence(), "MIT");
  EXPECT_EQ(Run({"model", "card", "m@1", "--clear"}), 0);
  EXPECT_TRUE(server->model_update.has_card());
  EXPECT_EQ(server->model_update.card(), "");
  EXPECT_FALSE(server->model_update.has_licence());
  EXPECT_EQ(Run({"model", "card", "m@1", "--file", folder.Write("big", std::string(65537, 'a'))}),
            1);
}

TEST_F(ModelCommands, RetentionIsSet) {
  EXPECT_EQ(Run({"model", "retain", "m", "--keep", "3"}), 0) << err();
  EXPECT_EQ(server->retention.name(), "m");
  EXPECT_EQ(server->retention.keep_last(), 3);
  EXPECT_THAT(out(), HasSubstr("newest 3 of m"));
  EXPECT_EQ(Run({"model", "retain", "m", "--keep", "0"}), 0);
  EXPECT_EQ(out(), "all versions of m are kept\n");
}

TEST_F(ModelCommands, ALogReadsAsThatOfGit) {
  v1::ModelLogEntry& top = *server->model_log.add_entries();
  top.set_ref("b@2");
  top.add_aliases("prod");
  top.set_job("j1");
  top.add_datasets("d");
  (*top.mutable_metrics())["loss"] = 3;
  (*top.mutable_metrics())["val_accuracy"] = 0.5;
  top.add_parents("a@1");
  v1::ModelLogEntry& gone = *server->model_log.add_entries();
  gone.set_ref("a@1");
  gone.set_gone(true);
  EXPECT_EQ(Run({"model", "log", "b"}), 0) << err();
  EXPECT_EQ(out(),
            "b@2 (prod)\n"
            "    job        j1\n"
            "    data       d\n"
            "    result     val_accuracy 0.5000\n"
            "    made from  a@1\n"
            "\n"
            "a@1\n"
            "    is gone: it was removed\n");
  EXPECT_EQ(Run({"model", "log", "b", "-q"}), 0);
  EXPECT_EQ(out(), "b@2\na@1\n");
  EXPECT_EQ(Run({"model", "log", "b", "--json"}), 0);
  EXPECT_TRUE(support::Parse<v1::LogModelResponse>(out()).ok());
}

TEST_F(ModelCommands, ADiffShowsWhatIsNotTheSame) {
  v1::DiffModelsResponse& diff = server->model_diff;
  for (v1::Model* model : {diff.mutable_first(), diff.mutable_second()}) model->set_name("m");
  diff.mutable_first()->set_version(1);
  diff.mutable_second()->set_version(2);
  (*diff.mutable_first()->mutable_metrics())["loss"] = 0.25;
  v1::ModelDifference& layer = *diff.add_layers();
  layer.set_name("dense\x1b");
  layer.set_kind(v1::ModelDifference::ONLY_SECOND);
  layer.set_second_type("dense");
  layer.add_second_shape(8);
  v1::ModelDifference& same = *diff.add_tensors();
  same.set_name("first/kernel");
  same.set_kind(v1::ModelDifference::SAME);
  v1::ModelDifference& changed = *diff.add_tensors();
  changed.set_name("last/kernel");
  changed.set_kind(v1::ModelDifference::CHANGED);
  changed.add_first_shape(4);
  changed.add_second_shape(5);
  diff.set_same_tensors(1);
  diff.set_different_tensors(1);
  EXPECT_EQ(Run({"model", "diff", "m@1", "m@2"}), 0) << err();
  for (const char* text : {"dense?  -    dense (8)", "loss    0.2500  -", "last/kernel  (4)  (5)",
                           "1 tensors are the same, 1 are not"})
    EXPECT_THAT(out(), HasSubstr(text));
  EXPECT_THAT(out(), Not(HasSubstr("first/kernel")));
  EXPECT_EQ(Run({"model", "diff", "m@1", "m@2", "-q"}), 0);
  EXPECT_EQ(out(), "last/kernel\n");
}

}  // namespace
}  // namespace gradus::cli
