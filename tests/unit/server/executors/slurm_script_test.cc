// SPDX-License-Identifier: Apache-2.0
// The script is run, by sh, with a program in the place of srun.
#include "server/executors/slurm_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "server/executors/command.h"
#include "tests/support/temp_dir.h"

namespace gradus::executors {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SlurmScriptTest : public ::testing::Test {
 protected:
  SlurmScriptTest() {
    place_.store_id = "00aa";
    place_.config.set_worker_program(dir_ / "gradus worker's");
    place_.config.set_node_dir(dir_ / "node");
    EXPECT_EQ(::mkdir(place_.config.node_dir().c_str(), 0700), 0);
    // Runs what srun would: the words behind its options.
    Program("srun",
            "while case $1 in --job-name=*) name=${1#*=};; esac; [ \"${1#--}\" != \"$1\" ]; do\n"
            "  echo \"$1\" >> $OUT/options.$$; shift; done\n"
            "mv $OUT/options.$$ $OUT/options.$name\n"
            "NAME=$name exec \"$@\"");
  }

  void Program(const std::string& name, const std::string& script) {
    const std::string path = dir_ / name;
    ASSERT_TRUE(base::WriteFileAtomically(base::RealFiles(), path,
                                          absl::StrCat("#!/bin/sh\n", script, "\n"))
                    .ok());
    ASSERT_EQ(::chmod(path.c_str(), 0700), 0);
  }

  static RankSpec Spec(int64_t fence, int member = 0) {
    RankSpec spec;
    spec.key = {"j1", 2, fence};
    spec.config.set_job_id("j1");
    spec.config.set_member(member);
    spec.config.mutable_profile()->set_token("a 'secret' $(id)\nEND_OF_SETTINGS\n\\");
    spec.memory_bytes = int64_t{100} << 20;
    spec.cores = 2;
    return spec;
  }

  SlurmBatch Make(const std::vector<RankSpec>& gang) {
    auto batch = MakeSlurmBatch(place_, gang);
    EXPECT_TRUE(batch.ok()) << batch.status();
    return *std::move(batch);
  }

  CommandEnd Run(const SlurmBatch& batch, const std::string& more_environment = "") {
    auto end = RunCommand({.words = {"sh", "-s"},
                           .environment = {absl::StrCat("PATH=", dir_.path(), ":/usr/bin:/bin"),
                                           absl::StrCat("OUT=", dir_.path()),
                                           "SLURMD_NODENAME=node1", more_environment},
                           .input = batch.script,
                           .limit_micros = 60'000'000});
    EXPECT_TRUE(end.ok()) << end.status();
    return *std::move(end);
  }

  std::string Read(const std::string& name) {
    const auto text = base::ReadFile(base::RealFiles(), dir_ / name, 1 << 20);
    return text.ok() ? *text : std::string(text.status().message());
  }

  std::vector<std::string> Kept() { return *base::RealFiles().List(place_.config.node_dir()); }

  test_support::TempDir dir_;
  SlurmPlace place_;
};

TEST_F(SlurmScriptTest, EachRankGetsItsOwnSettingsOnStandardInputAndNowhereElse) {
  Program("gradus worker's",
          "cat > $OUT/in.$NAME; echo \"$@\" > $OUT/args.$NAME; env > $OUT/env.$NAME");
  const SlurmBatch batch = Make({Spec(12), Spec(13, 1)});
  const CommandEnd end = Run(batch);
  EXPECT_EQ(end.wait_status, 0) << end.errors;
  for (const char* fence : {"12", "13"}) {
    const std::string input = Read(absl::StrCat("in.", fence));
    EXPECT_THAT(input, HasSubstr(R"("token":"a 'secret' $(id)\nEND_OF_SETTINGS\n\\")"));
    EXPECT_THAT(input, HasSubstr(absl::StrCat("node/gradus-00aa-j1-2-", fence)));
    EXPECT_EQ(Read(absl::StrCat("args.", fence)), "rank-stdin\n");
    EXPECT_THAT(Read(absl::StrCat("env.", fence)), Not(HasSubstr("secret")));
  }
  EXPECT_THAT(Read("options.12"), HasSubstr("--nodelist=node1"));
  EXPECT_THAT(Read("options.13"), Not(HasSubstr("--nodelist")));
  for (const std::string& option : batch.options) EXPECT_THAT(option, Not(HasSubstr("secret")));
}

TEST_F(SlurmScriptTest, MembersDoNotTakeTheLeadersPlace) {
  // The leader's step is slow to get its place.
  Program("srun",
          "for word; do last=$word; case $word in --job-name=*) name=${word#*=};; esac; done\n"
          "[ $name = 12 ] || { echo member >> $OUT/order; exit 0; }\n"
          "sleep 0.3; echo leader >> $OUT/order; : > \"$last\"");
  Run(Make({Spec(12), Spec(13, 1), Spec(14, 2)}));
  EXPECT_EQ(Read("order"), "leader\nmember\nmember\n");
  EXPECT_THAT(Kept(), IsEmpty());
}

TEST_F(SlurmScriptTest, ALeaderThatCannotBeStartedHoldsUpNobody) {
  Program("srun", "exit 6");
  const CommandEnd end = Run(Make({Spec(12), Spec(13, 1)}));
  EXPECT_TRUE(end.in_time);
  EXPECT_EQ(WEXITSTATUS(end.wait_status), 6);
}

TEST_F(SlurmScriptTest, NothingOfTheServersDiskIsNamedToARank) {
  RankSpec spec = Spec(12);
  spec.config.set_endpoint_file("/server/endpoint");
  spec.config.set_blob_dir("/server/blobs");
  spec.config.set_work_dir("/server/attempts/j1-2");
  spec.config.add_cpus(7);
  place_.cache_bytes = 1 << 30;
  place_.network = "10.0.0.0/8";
  const std::string script = Make({spec}).script;
  EXPECT_THAT(script, Not(HasSubstr("/server")));
  EXPECT_THAT(script, Not(HasSubstr("cpus\":")));
  EXPECT_THAT(script, HasSubstr("\"network\":\"10.0.0.0/8\""));
  EXPECT_THAT(script, HasSubstr("\"cacheBytes\":\"1073741824\""));
  EXPECT_THAT(script, HasSubstr("/node/gradus-cache-"));
}

TEST_F(SlurmScriptTest, EndsAsItsLeaderAndAtOnceWhereThatFails) {
  // The member would run on.
  Program("gradus worker's", "echo words of $NAME; [ $NAME = 12 ] || exec sleep 1000; exit 7");
  const CommandEnd end = Run(Make({Spec(12), Spec(13, 1)}));
  EXPECT_TRUE(end.in_time);
  EXPECT_EQ(WEXITSTATUS(end.wait_status), 7);
  ASSERT_EQ(Kept().size(), 1u) << ::testing::PrintToString(Kept());
  EXPECT_THAT(Kept()[0], ::testing::StartsWith("gradus-00aa-j1-2-12."));
  EXPECT_THAT(Read("node/" + Kept()[0]), HasSubstr("words of 12"));
}

TEST_F(SlurmScriptTest, WaitsForMembersOfALeaderThatIsDoneAndKeepsNothing) {
  ASSERT_EQ(::mkfifo((dir_ / "gate").c_str(), 0600), 0);
  // The member ends after the leader's word, and badly.
  Program("gradus worker's",
          "if [ $NAME = 12 ]; then (exec > $OUT/gate) & exit 0; fi; cat $OUT/gate; echo > "
          "$OUT/late; exit 5");
  const CommandEnd end = Run(Make({Spec(12), Spec(13, 1)}));
  EXPECT_EQ(end.wait_status, 0) << end.errors;
  EXPECT_EQ(Read("late"), "\n");
  EXPECT_THAT(Kept(), IsEmpty());
}

TEST_F(SlurmScriptTest, WithoutALeaderItWaitsForAllAndTellsAFailure) {
  Program("gradus worker's", "[ $NAME = 13 ] && exit 5; echo > $OUT/done.$NAME");
  const CommandEnd end = Run(Make({Spec(13, 1), Spec(14, 2)}));
  EXPECT_EQ(WEXITSTATUS(end.wait_status), 5);
  EXPECT_EQ(Read("done.14"), "\n");
}

TEST_F(SlurmScriptTest, DoesNothingWhenItIsStartedAgain) {
  Program("gradus worker's", "echo > $OUT/ran");
  const CommandEnd end = Run(Make({Spec(12)}), "SLURM_RESTART_COUNT=1");
  EXPECT_EQ(WEXITSTATUS(end.wait_status), 1);
  EXPECT_NE(Read("ran"), "\n");
}

#if !defined(GRADUS_SANITIZED)
TEST_F(SlurmScriptTest, LimitsMemoryAsTheLocalExecutorDoes) {
  Program("gradus worker's", "ulimit -d > $OUT/limit; ulimit -c >> $OUT/limit");
  Run(Make({Spec(12)}));
  EXPECT_EQ(Read("limit"), absl::StrCat((100 + 384) * 1024, "\n0\n"));
}
#endif

TEST_F(SlurmScriptTest, AsksForWhatTheJobNeeds) {
  RankSpec spec = Spec(12);
  spec.time_limit_micros = int64_t{90} * 60'000'000 + 1;
  spec.job_name = "night-run";
  place_.config.set_partition("short");
  place_.config.set_account("lab");
  place_.config.set_qos("normal");
  place_.config.add_options("--constraint=avx512");
  place_.config.add_options("--requeue");
  const std::vector<std::string> options = Make({spec, Spec(13, 1)}).options;
  for (const char* option :
       {"--ntasks=2", "--cpus-per-task=2", "--mem-per-cpu=242M", "--time=94", "--partition=short",
        "--account=lab", "--qos=normal", "--constraint=avx512", "--job-name=gradus-00aa-j1-2-12",
        "--comment=leader 12 members 13 of night-run"})
    EXPECT_THAT(options, Contains(option));
  // Of two, sbatch takes the later.
  const auto place = [&](const char* option) {
    return std::find(options.begin(), options.end(), option) - options.begin();
  };
  EXPECT_LT(place("--requeue"), place("--no-requeue"));
}

TEST(SlurmOptions, ThoseThatWouldChangeTheBatchAreRefused) {
  for (const char* option : {"--constraint=avx512", "--exclusive", "--mem-per-cpu=3G", "--nice=10"})
    EXPECT_TRUE(CheckSlurmOption(option).ok()) << option;
  for (const char* option :
       {"", "-", "--", "-pshort", "script.sh", "--array=1-9", "--arr=1-9", "--wait", "--wrap=id",
        "--wra=id", "--test-only", "--CONSTRAINT=x", "--comment=a\nb"})
    EXPECT_FALSE(CheckSlurmOption(option).ok()) << option;
}

TEST(ShellQuoted, IsOneWordWhateverItHolds) {
  for (const char* text : {"", "a b", "it's", "$(id) `id` \\ \" * ? ~ #", "'';id;''", "a\nb"}) {
    const auto end =
        RunCommand({.words = {"sh", "-c", absl::StrCat("printf '%s|' ", ShellQuoted(text))},
                    .environment = {"PATH=/usr/bin:/bin"},
                    .limit_micros = 60'000'000});
    EXPECT_EQ(end->output, absl::StrCat(text, "|"));
  }
}

}  // namespace
}  // namespace gradus::executors
