// SPDX-License-Identifier: Apache-2.0
// Every layer and every activation, operation by operation: each candidate, alone and joined, in
// each size of batch, against the kind's double-precision reference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/graph/graph.h"
#include "engine/kernels/vector/functions.h"
#include "tests/conformance/chain.h"
#include "tests/conformance/chain_reference.h"

namespace gradus::conformance {
namespace {

constexpr int64_t kFull = 32;
// A batch of one, an odd one, a full one; and what the layouts were chosen for.
constexpr std::pair<int64_t, int64_t> kBatches[] = {
    {1, 1}, {5, 5}, {kFull, kFull}, {kFull, 5}, {kFull, 1}};

class Operations : public testing::TestWithParam<SubjectFamily> {
 protected:
  void SetUp() override { subjects_ = GetParam().subjects(); }

  std::vector<Subject> subjects_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, Operations, testing::ValuesIn(SubjectFamilies()),
                         [](const auto& tested) { return tested.param.name; });

// Every way to run a subject in one size of batch; more than one thread where there is most to do.
template <typename Function>
void ForEachWay(const Subject& subject, std::pair<int64_t, int64_t> batch, Function function) {
  for (const std::string& candidate : CandidatesOf(subject)) {
    for (const bool joined : {true, false}) {
      for (const int threads : {1, 2}) {
        if (threads > 1 && (!joined || batch.second < kFull)) continue;
        SCOPED_TRACE(absl::StrCat(subject.name, ", ", batch.second, " rows of at most ",
                                  batch.first, ", ", threads, " threads, ",
                                  joined ? "joined, " : "", candidate));
        function(ChainSetting{.batch_size = batch.first,
                              .rows = batch.second,
                              .threads = threads,
                              .candidate = candidate,
                              .joined = joined});
      }
    }
  }
}

struct Expected {
  ChainData data;
  ChainReference training;
  ChainReference evaluation;
};

Expected ExpectedOf(const Subject& subject, int64_t rows) {
  Expected expected;
  expected.data = DrawChainData(subject, rows);
  expected.evaluation = ReferenceOf(subject, expected.data, rows, false);
  expected.training = subject.batch_reference == nullptr
                          ? expected.evaluation
                          : ReferenceOf(subject, expected.data, rows, true);
  return expected;
}

TEST_P(Operations, GiveTheShapeThatIsInferred) {
  for (const Subject& subject : subjects_) {
    SCOPED_TRACE(subject.name);
    const int64_t values = graph::CountOf(subject.output);
    EXPECT_EQ(subject.lower().back().operation->dst_values(), values);
    const ChainData data = DrawChainData(subject, 1);
    EXPECT_EQ(ReferenceOf(subject, data, 1, false).output.size(), static_cast<size_t>(values));
  }
}

TEST_P(Operations, AgreeWithTheReferenceByEveryCandidate) {
  for (const Subject& subject : subjects_) {
    std::map<std::string, int> accepted;
    std::map<int64_t, Expected> known;
    for (const auto& batch : kBatches) {
      Expected& expected = known[batch.second];
      if (expected.evaluation.output.empty()) expected = ExpectedOf(subject, batch.second);
      ForEachWay(subject, batch, [&](ChainSetting setting) {
        for (const Wanted wanted : {Wanted::kAll, Wanted::kInput, Wanted::kWeights}) {
          setting.wanted = wanted;
          const auto result = RunChain(subject, setting, expected.data);
          if (!result.ok()) {
            EXPECT_NE(setting.candidate, "") << result.status();
            continue;
          }
          ++accepted[setting.candidate];
          if (subject.random) continue;
          // What is frozen is as in an evaluation.
          EXPECT_TRUE(
              Agree(*result, wanted == Wanted::kInput ? expected.evaluation : expected.training))
              << "wanted: " << static_cast<int>(wanted);
        }
        setting.training = false;
        const auto evaluated = RunChain(subject, setting, expected.data);
        if (evaluated.ok()) {
          EXPECT_TRUE(Agree(*evaluated, expected.evaluation)) << "without training";
        }
      });
    }
    // A candidate that always refuses is tested by nobody.
    for (const std::string& candidate : CandidatesOf(subject))
      EXPECT_GT(accepted[candidate], 0) << subject.name << ": " << candidate;
  }
}

TEST_P(Operations, GiveTheSameBitsAgainWhereverTheRowsLie) {
  for (const Subject& subject : subjects_) {
    for (const auto& batch : kBatches) {
      const ChainData data = DrawChainData(subject, batch.second);
      ForEachWay(subject, batch, [&](ChainSetting setting) {
        const auto once = RunChain(subject, setting, data);
        const auto again = RunChain(subject, setting, data);
        setting.shift = sizeof(float);
        const auto shifted = RunChain(subject, setting, data);
        ASSERT_EQ(once.ok(), again.ok());
        if (!once.ok()) return;
        EXPECT_TRUE(*once == *again);
        EXPECT_TRUE(*once == *shifted) << "with the rows at another address";
      });
    }
  }
}

// The variable lowers our own kernels and oneDNN's: this program is run once for each of its
// values.
TEST(InstructionSet, IsWhatTheEnvironmentAllows) {
  const char* limit = std::getenv("ONEDNN_MAX_CPU_ISA");
  const std::string_view most = limit == nullptr ? "ALL" : limit;
  const std::string_view isa = kernels::Vector().isa;
  EXPECT_TRUE(most != "SSE41" || isa == "sse42") << isa;
  EXPECT_TRUE(most != "AVX2" || isa != "avx512") << isa;
}

}  // namespace
}  // namespace gradus::conformance
