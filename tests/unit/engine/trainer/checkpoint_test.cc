// SPDX-License-Identifier: Apache-2.0
#include "engine/trainer/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <string>

#include "engine/base/file_ops.h"
#include "engine/base/philox.h"
#include "engine/base/sha256.h"
#include "tests/support/failing_files.h"
#include "tests/support/power_cut_files.h"
#include "tests/support/temp_dir.h"

namespace gradus::trainer {
namespace {

Checkpoint Sample(float first = 0.1f) {
  Checkpoint checkpoint;
  checkpoint.position = {.stage = 1, .epoch = 3, .step_in_epoch = 17, .step = 345};
  checkpoint.totals.rows = 544;
  checkpoint.totals.loss = 0.1 + 0.2;
  checkpoint.totals.metrics = {{.state = {1.0 / 3.0, -0.0}, .kept = {}},
                               {.state = {}, .kept = {0.25F, 3e-42F}}};
  checkpoint.spec_digest = base::Sha256Hex(std::string_view("a spec"));
  checkpoint.provenance = {"avx2", "2.6.3", 2};
  checkpoint.weights = {{"dense/kernel", {2, 3}, {first, -2.5f, 3e-42f, 4, 5, 6}},
                        {"dense/bias", {3}, {7, 8, 9}}};
  checkpoint.slots = {{"momentum/dense/kernel", {2, 3}, {1, 2, 3, 4, 5, -0.0f}}};
  checkpoint.optimizer_steps = 123;
  checkpoint.best = {{1.0 / 3.0, 300}, {0.5, 150}};
  return checkpoint;
}

std::string Written(const Checkpoint& checkpoint) {
  test_support::TempDir dir;
  const auto file = WriteCheckpoint(base::RealFiles(), dir.path(), checkpoint);
  EXPECT_TRUE(file.ok()) << file.status();
  return base::ReadFile(base::RealFiles(), file->path, size_t{1} << 30).value();
}

absl::StatusOr<Checkpoint> Read(const std::string& bytes) {
  return ReadCheckpoint(base::AsBytes(bytes));
}

TEST(Checkpoint, ComesBackToTheLastBit) {
  const Checkpoint written = Sample();
  const auto read = Read(Written(written));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->position, written.position);
  EXPECT_EQ(read->totals.rows, written.totals.rows);
  EXPECT_EQ(read->totals.loss, written.totals.loss);
  EXPECT_EQ(read->totals.metrics, written.totals.metrics);
  EXPECT_EQ(read->spec_digest, written.spec_digest);
  EXPECT_EQ(read->provenance, written.provenance);
  EXPECT_EQ(read->optimizer_steps, 123);
  EXPECT_EQ(read->best, written.best);
  ASSERT_EQ(read->weights.size(), 2U);
  ASSERT_EQ(read->slots.size(), 1U);
  EXPECT_EQ(read->weights[1].name, "dense/bias");
  EXPECT_EQ(read->slots[0].name, "momentum/dense/kernel");
  EXPECT_EQ(read->slots[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::memcmp(read->weights[0].values.data(), written.weights[0].values.data(),
                        6 * sizeof(float)),
            0);
  EXPECT_EQ(
      std::memcmp(read->slots[0].values.data(), written.slots[0].values.data(), 6 * sizeof(float)),
      0);
}

TEST(Checkpoint, TheNamedDigestAndSizeAreTheFiles) {
  test_support::TempDir dir;
  const auto file = WriteCheckpoint(base::RealFiles(), dir.path(), Sample());
  ASSERT_TRUE(file.ok()) << file.status();
  const std::string bytes = base::ReadFile(base::RealFiles(), file->path, 1 << 20).value();
  EXPECT_EQ(file->sha256, base::Sha256Hex(std::string_view(bytes)));
  EXPECT_EQ(file->size, static_cast<int64_t>(bytes.size()));
}

TEST(Checkpoint, EqualStatesGiveEqualFiles) { EXPECT_EQ(Written(Sample()), Written(Sample())); }

TEST(Checkpoint, EveryCutIsFound) {
  const std::string whole = Written(Sample());
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_TRUE(absl::IsDataLoss(Read(whole.substr(0, length)).status())) << length;
  }
  EXPECT_TRUE(absl::IsDataLoss(Read(whole + "x").status()));
}

TEST(Checkpoint, EveryFlippedBitIsFound) {
  std::string bytes = Written(Sample());
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(absl::IsDataLoss(Read(bytes).status())) << "bit " << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST(Checkpoint, RandomDamageIsFound) {
  const std::string whole = Written(Sample());
  base::PhiloxStream random({.seed = 7});
  for (int round = 0; round < 10'000; ++round) {
    std::string bytes = whole;
    for (uint32_t changes = 1 + random.NextBelow(8); changes > 0; --changes) {
      const size_t at = random.NextBelow(static_cast<uint32_t>(bytes.size()));
      switch (random.NextBelow(3)) {
        case 0:
          bytes[at] = static_cast<char>(random.Next());
          break;
        case 1:
          bytes.erase(at, 1 + random.NextBelow(16));
          break;
        default:
          bytes.insert(at, 1, static_cast<char>(random.Next()));
      }
      if (bytes.empty()) break;
    }
    if (bytes == whole) continue;
    EXPECT_FALSE(Read(bytes).ok()) << "round " << round;
  }
}

TEST(Checkpoint, AFileThatFailsToBeWrittenIsNotSeen) {
  uint64_t failures = 0;
  for (int error : {EIO, ENOSPC}) {
    for (uint64_t n = 1;; ++n) {
      test_support::TempDir dir;
      test_support::FailingFiles files(base::RealFiles());
      const test_support::FileOp ops[] = {test_support::FileOp::kCreate,
                                          test_support::FileOp::kWrite, test_support::FileOp::kSync,
                                          test_support::FileOp::kRename};
      files.FailNth(n, ops, error);
      const auto file = WriteCheckpoint(files, dir.path(), Sample());
      EXPECT_EQ(files.retried_syncs(), 0U);
      if (!files.failed()) break;
      ++failures;
      EXPECT_TRUE(absl::IsUnavailable(file.status())) << file.status();
      EXPECT_THAT(base::RealFiles().List(dir.path()).value(), ::testing::IsEmpty());
    }
  }
  EXPECT_GE(failures, 12U);
}

TEST(Checkpoint, APowerCutLeavesTheOldOneOrTheNewOneWhole) {
  for (uint64_t changes = 0; changes < 40; ++changes) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      test_support::PowerCutFiles files;
      ASSERT_TRUE(WriteCheckpoint(files, ".", Sample(0.1f)).ok());
      files.TurnOffAfter(changes);
      const bool acknowledged = WriteCheckpoint(files, ".", Sample(0.2f)).ok();
      files.PowerCut(seed);
      const auto mapped = files.Map("./checkpoint-345.safetensors");
      ASSERT_TRUE(mapped.ok()) << mapped.status();
      const auto read = ReadCheckpoint(mapped->bytes());
      ASSERT_TRUE(read.ok()) << read.status();
      if (acknowledged) {
        EXPECT_EQ(read->weights[0].values[0], 0.2f);
      }
    }
  }
}

TEST(SpecDigest, FollowsWhatWeightsFollowFromAndNothingElse) {
  v1::JobSpec spec;
  spec.set_name("a");
  spec.mutable_fit()->set_seed(1);
  const std::string digest = SpecDigest(spec, {});
  v1::JobSpec other = spec;
  other.set_name("b");
  other.set_priority(7);
  other.mutable_publish()->set_model("m");
  other.mutable_resources()->set_memory("1GiB");
  other.mutable_fit()->mutable_checkpoint()->set_every_steps(3);
  EXPECT_EQ(SpecDigest(other, {}), digest);
  other.mutable_fit()->set_seed(2);
  EXPECT_NE(SpecDigest(other, {}), digest);
  v1::Dataset dataset;
  dataset.set_name("d");
  dataset.set_digest("1");
  EXPECT_NE(SpecDigest(spec, std::vector<v1::Dataset>{dataset}), digest);
}

}  // namespace
}  // namespace gradus::trainer
