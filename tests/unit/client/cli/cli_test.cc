// SPDX-License-Identifier: Apache-2.0
#include "client/cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/cli/command.h"
#include "client/cli/help.h"
#include "gradus/version.h"
#include "proto/support/parse.h"
#include "tests/unit/client/cli/testing.h"

namespace gradus::cli {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Cli : public testing::CliTest {};

TEST_F(Cli, EveryCommandHasASummaryExamplesAndHelp) {
  std::set<std::string> titles;
  for (const Command* command : Commands()) {
    const std::string title = CommandTitle(*command);
    EXPECT_TRUE(titles.insert(title).second) << title;
    EXPECT_THAT(command->examples, StartsWith("  gradus ")) << title;
    std::vector<std::string> words = {command->verb, "--help"};
    if (*command->noun != '\0') words.insert(words.begin(), command->noun);
    EXPECT_EQ(Run(words), 0) << title;
    EXPECT_THAT(out(), HasSubstr(command->summary)) << title;
    EXPECT_THAT(out(), HasSubstr(command->examples)) << title;
    EXPECT_THAT(out(), HasSubstr("--json")) << title;
    EXPECT_THAT(ProgramHelp(), HasSubstr(title));
  }
}

TEST_F(Cli, WrongUsageIsTwoAndSaysWhatIsRight) {
  const struct {
    std::vector<std::string> words;
    const char* error;
  } cases[] = {
      {{}, "gradus job submit"},
      {{"jbo", "ls"}, "did you mean \"job\"?"},
      {{"job", "lst"}, "did you mean \"ls\"?"},
      {{"job"}, "needs a verb"},
      {{"job", "show"}, "JOB is required"},
      {{"job", "show", "a", "b"}, "gradus job show --help"},
      {{"job", "ls", "--sate", "x"},
       "\"--sate\" is no option of `gradus job ls`; did you mean \"--state\"?"},
      {{"job", "ls", "--limit", "0"}, "--limit"},
      {{"job", "ls", "--limit", "many"}, "--limit"},
      {{"job", "ls", "--state", "runing"}, "running"},
      {{"job", "ls", "--json", "-q"}, "exclude"},
      {{"data", "push", "d", "images.idx"}, "SPLIT:COLUMN=FILE"},
      {{"data", "push", "d", ":x=f"}, "SPLIT:COLUMN=FILE"},
      {{"model", "fold", "m", "--data", "d[split: test"}, "no ] at the end"},
      {{"model", "fold", "m", "--data", "d[spilt: test]"}, "did you mean \"split\"?"},
      {{"model", "fold", "m", "--data", "[split: test]"}, "a dataset's name"},
      {{"model", "fold", "m", "--data", "d[dataset: e]"}, "a dataset's name"},
      {{"model", "fold", "m", "--max-difference", "little"}, "is not a number"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Run(c.words), 2) << c.error;
    EXPECT_THAT(err(), HasSubstr(c.error));
    EXPECT_EQ(out(), "");
  }
  EXPECT_EQ(server->calls, 0);
}

TEST_F(Cli, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(Run({"--help"}), 0);
  EXPECT_EQ(out(), ProgramHelp());
  EXPECT_EQ(Run({"job", "--help"}), 0);
  EXPECT_THAT(out(), HasSubstr("gradus job why"));
  EXPECT_THAT(out(), Not(HasSubstr("gradus data push")));
  EXPECT_EQ(Run({"--version"}), 0);
  EXPECT_EQ(out(), std::string("gradus ") + kVersion + "\n");
}

TEST_F(Cli, GlobalOptionsMayStandAnywhere) {
  server->AddState("j1", v1::Job::RUNNING);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--profile", "job", "-q", "job", "ls"},
        {"job", "-q", "ls"},
        {"job", "ls", "-q"}}) {
    EXPECT_EQ(Run(words), 0) << err();
    EXPECT_EQ(out(), "j1\n");
  }
}

TEST_F(Cli, AFailedRequestIsOneAndSaysWhatToDo) {
  EXPECT_EQ(Run({"job", "show", "jnone"}), 1);
  EXPECT_THAT(err(), HasSubstr("there is no job \"jnone\""));
  server->faults = {absl::UnauthenticatedError("the token has ended")};
  EXPECT_EQ(Run({"job", "ls"}), 1);
  EXPECT_THAT(err(), HasSubstr("gradus auth login FILE"));
}

TEST_F(Cli, ThreeOutputsOfAList) {
  server->AddState("j1", v1::Job::RUNNING);
  (*server->jobs["j1"].mutable_metrics())["loss"] = 0.25;
  EXPECT_EQ(Run({"job", "ls"}), 0);
  EXPECT_THAT(out(), StartsWith("ID  NAME  STATE"));
  EXPECT_THAT(out(), HasSubstr("0.2500"));
  EXPECT_EQ(Run({"job", "ls", "--json"}), 0);
  const auto list = support::Parse<v1::ListJobsResponse>(out());
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->jobs(0).state(), v1::Job::RUNNING);
  EXPECT_EQ(Run({"job", "ls", "-q"}), 0);
  EXPECT_EQ(out(), "j1\n");
}

TEST_F(Cli, AnEmptyListSaysHowToFillIt) {
  EXPECT_EQ(Run({"job", "ls"}), 0);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(err(), HasSubstr("gradus train FILE"));
  EXPECT_EQ(Run({"job", "ls", "-q"}), 0);
  EXPECT_EQ(out() + err(), "");
}

TEST_F(Cli, TheJsonOfAJobHasItsZeroesToo) {
  server->AddState("j1", v1::Job::QUEUED);
  EXPECT_EQ(Run({"job", "show", "j1", "--json"}), 0);
  for (const char* field : {"\"id\":\"j1\"", "\"state\":\"QUEUED\"", "\"step\":\"0\"",
                            "\"published\":\"\"", "\"metrics\":{}"}) {
    EXPECT_THAT(out(), HasSubstr(field));
  }
}

TEST_F(Cli, NothingFromTheServerReachesATerminalRaw) {
  server->AddState("j1", v1::Job::RUNNING);
  server->jobs["j1"].set_name("evil\x1b]0;title\x07\r\n\xe2\x80\xaename");
  server->AddEvent("j1").mutable_log_line()->set_text("\x1b[2Jgone\x9b");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"job", "ls"},
                                                {"job", "show", "j1"},
                                                {"job", "ls", "--json"},
                                                {"job", "logs", "j1"},
                                                {"job", "show", "j1", "--yaml"}}) {
    EXPECT_EQ(Run(words), 0) << err();
    for (const char c : out()) {
      const auto byte = static_cast<unsigned char>(c);
      EXPECT_TRUE(byte >= 0x20 || c == '\n') << words[1] << ": " << static_cast<int>(byte);
    }
    EXPECT_THAT(out(), Not(HasSubstr("\xe2\x80\xae")));
    EXPECT_THAT(out(), Not(HasSubstr("\x9b")));
  }
  server->faults = {absl::InternalError("\x1b[2J")};
  EXPECT_EQ(Run({"job", "ls"}), 1);
  EXPECT_THAT(err(), Not(HasSubstr("\x1b")));
}

TEST_F(Cli, AMetricThatIsNotThereIsNamedWithThoseThatAre) {
  server->metrics.add_series()->set_name("loss");
  EXPECT_EQ(Run({"job", "metrics", "j1", "--name", "loss", "-q"}), 0);
  EXPECT_EQ(out(), "loss\n");
  EXPECT_EQ(Run({"job", "metrics", "j1", "--name", "los"}), 1);
  EXPECT_EQ(err(), "gradus: job j1 has no metric \"los\"; there is loss\n");
}

TEST_F(Cli, PrintsAMatrixAsAGrid) {
  for (const char* name : {"loss", "test_confusion_matrix/0/0", "test_confusion_matrix/0/1",
                           "test_confusion_matrix/1/0", "test_confusion_matrix/1/1"}) {
    v1::MetricSeries& series = *server->metrics.add_series();
    series.set_name(name);
    series.add_points()->set_value(server->metrics.series_size() * 10);
  }
  EXPECT_EQ(Run({"job", "metrics", "j1"}), 0);
  EXPECT_EQ(out(),
            "EPOCH     loss\n"
            "    1  10.0000\n"
            "test_confusion_matrix   0   1\n"
            "                    0  20  30\n"
            "                    1  40  50\n");
}

TEST_F(Cli, SteersJobs) {
  server->AddState("j1", v1::Job::RUNNING);
  EXPECT_EQ(Run({"job", "pause", "j1"}), 0);
  EXPECT_EQ(out(), "job j1 is PAUSED\n");
  EXPECT_EQ(Run({"job", "resume", "j1", "-q"}), 0);
  EXPECT_EQ(out(), "j1\n");
  EXPECT_EQ(Run({"job", "cancel", "j1", "--json"}), 0);
  EXPECT_THAT(out(), HasSubstr("\"state\":\"CANCELLED\""));
  EXPECT_EQ(Run({"job", "cancel", "j1"}), 1);
}

TEST_F(Cli, ShowsAndPublishesTheBestCheckpoints) {
  v1::Job& job = server->jobs["j1"];
  job.set_id("j1");
  job.mutable_spec()->mutable_fit()->mutable_checkpoint()->set_monitor("val_loss");
  EXPECT_EQ(Run({"job", "show", "j1"}), 0);
  EXPECT_THAT(out(), Not(HasSubstr("STEP")));
  v1::BestCheckpoint& best = *job.add_best_checkpoints();
  best.set_step(1719);
  best.set_epoch(0);
  best.set_value(0.25);
  EXPECT_EQ(Run({"job", "show", "j1"}), 0);
  EXPECT_THAT(out(), HasSubstr("gradus job publish j1 --step STEP"));
  EXPECT_THAT(out(), HasSubstr("STEP  EPOCH  val_loss\n1719      1    0.2500\n"));
  EXPECT_EQ(Run({"job", "show", "j1", "-q"}), 0);
  EXPECT_EQ(out(), "j1\n");
  EXPECT_EQ(Run({"job", "publish", "j1"}), 0) << err();
  EXPECT_EQ(out(), "published as net@1\n");
  EXPECT_EQ(server->publication.step(), 0);
  EXPECT_EQ(Run({"job", "publish", "j1", "--step", "1719", "--model", "early", "-q"}), 0);
  EXPECT_EQ(out(), "early@1\n");
  EXPECT_EQ(server->publication.step(), 1719);
  EXPECT_EQ(Run({"job", "publish", "j1", "--json"}), 0);
  EXPECT_EQ(out(), "{\"model\":\"net@1\"}\n");
  for (const char* step : {"0", "-1", "last"})
    EXPECT_EQ(Run({"job", "publish", "j1", "--step", step}), 2) << step;
}

TEST_F(Cli, PushesAFolderAndNamesWhatCame) {
  for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                           "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    folder.Write(name, "bytes");
  }
  EXPECT_EQ(Run({"data", "push", "d", folder / ""}), 0) << err();
  EXPECT_THAT(out(), StartsWith("dataset d is there"));
  EXPECT_EQ(Run({"data", "push", "e", "train:x=" + folder / "train-images-idx3-ubyte", "-q"}), 0)
      << err();
  EXPECT_EQ(out(), "e\n");
  EXPECT_EQ(Run({"data", "push", "e", "train:x=" + folder / "none"}), 1);
  EXPECT_EQ(Run({"data", "rm", "d", "e"}), 0);
  EXPECT_TRUE(server->datasets.empty());
}

TEST_F(Cli, ARemovalHasThreeOutputsToo) {
  for (const char* name : {"a", "b", "c"}) server->datasets[name].set_name(name);
  EXPECT_EQ(Run({"data", "rm", "a"}), 0);
  EXPECT_EQ(out(), "dataset a is removed\n");
  EXPECT_EQ(Run({"data", "rm", "b", "-q"}), 0);
  EXPECT_EQ(out(), "b\n");
  EXPECT_EQ(Run({"data", "rm", "c", "--json"}), 0);
  EXPECT_EQ(out(), "{}\n");
}

TEST_F(Cli, FetchesAModelIntoAFolder) {
  server->models["m@1"].set_name("m");
  server->models["m@1"].set_version(1);
  server->weights = "bytes";
  EXPECT_EQ(Run({"model", "fetch", "m@1", "--output", folder / "out"}), 0) << err();
  EXPECT_EQ(folder.Read("out/weights.safetensors"), "bytes");
  EXPECT_EQ(Run({"model", "ls", "-q"}), 0);
  EXPECT_EQ(out(), "m@1\n");
}

TEST_F(Cli, FetchesAndExportsAModelInAFormat) {
  server->models["m@1"].set_name("m");
  server->models["m@1"].set_version(1);
  server->weights = "bytes";
  EXPECT_EQ(Run({"model", "fetch", "m@1", "--format", "onnx", "--output", folder / "out"}), 0)
      << err();
  EXPECT_EQ(folder.Read("out/model.onnx"), "bytes");
  EXPECT_EQ(Run({"model", "export", "m@1", "--output", folder / "net.onnx"}), 0) << err();
  EXPECT_EQ(folder.Read("net.onnx"), "bytes");
  EXPECT_THAT(server->fetched_as, Each(v1::FetchModelRequest::ONNX));
  EXPECT_EQ(Run({"model", "export", "m@1", "--format", "keras"}), 2);
  EXPECT_THAT(err(), HasSubstr("--format: keras is not safetensors or onnx"));
}

TEST_F(Cli, SummarisesAJobFileOrAModel) {
  server->validation.mutable_summary()->set_total_params(1234);
  EXPECT_EQ(Run({"model", "summary", folder.Write("a.yaml", "name: a\n")}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("Total params: 1,234"));
  server->models["m@1"].set_total_params(77);
  EXPECT_EQ(Run({"model", "summary", "m@1"}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("Total params: 77"));
}

TEST_F(Cli, LoginKeepsAProfileThatTheServerTakes) {
  setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
  const std::string file = folder.Write("p", R"({"server": "a:1", "ca_pem": "X", "token": "T"})");
  server->me.set_user("alice");
  server->me.set_role("user");
  server->faults = {absl::UnauthenticatedError("no")};
  EXPECT_EQ(Run({"auth", "login", file}), 1);
  EXPECT_FALSE(std::filesystem::exists(folder / "config/gradus/profile"));
  EXPECT_EQ(Run({"auth", "login", file}), 0) << err();
  EXPECT_THAT(out(), HasSubstr("You are alice (user) on a:1"));
  EXPECT_THAT(out(), Not(HasSubstr("\"T\"")));
  EXPECT_TRUE(std::filesystem::exists(folder / "config/gradus/profile"));
  EXPECT_EQ(Run({"auth", "logout"}), 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "config/gradus/profile"));
}

}  // namespace
}  // namespace gradus::cli
