// SPDX-License-Identifier: Apache-2.0
// What a training run told of its state is on its disk after any fault, whole, and good enough to
// end with the weights of a run that nothing disturbed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/philox.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/trainer/checkpoint.h"
#include "engine/trainer/trainer.h"
#include "tests/support/failing_files.h"
#include "tests/support/power_cut_files.h"
#include "tests/support/small_job.h"

namespace gradus::robustness {
namespace {

using test_support::FailingFiles;
using test_support::PowerCutFiles;
using trainer::CheckpointFile;
using trainer::TrainResult;

constexpr char kDir[] = "/work";
constexpr int64_t kEvery = 2;

// With momentum, so that checkpoints have slots.
v1::JobSpec Job() {
  v1::JobSpec spec = test_support::SmallJob();
  spec.mutable_optimizer()->mutable_sgd()->set_momentum(0.9);
  spec.mutable_fit()->mutable_checkpoint()->set_every_steps(kEvery);
  return spec;
}

v1::BlobRef RefOf(std::string_view bytes) {
  v1::BlobRef ref;
  ref.set_sha256(base::Sha256Hex(bytes));
  ref.set_size(static_cast<int64_t>(bytes.size()));
  return ref;
}

// Keeps the two newest checkpoints on the disk.
class Keeper final : public trainer::Callback {
 public:
  explicit Keeper(base::Files& files) : files_(files) {}

  void OnEvent(const v1::Event& event) override {
    warned = warned || event.log_line().level() == v1::LogLine::WARNING;
  }
  absl::Status OnCheckpoint(const CheckpointFile& checkpoint) override {
    reported = checkpoint.step;
    kept_.push_back(checkpoint.file.path);
    if (kept_.size() <= 2) return absl::OkStatus();
    const std::string oldest = kept_.front();
    kept_.erase(kept_.begin());
    return files_.Remove(oldest);
  }
  absl::Status OnBestCheckpoint(const trainer::BestCheckpointFile& best) override {
    for (const trainer::StoredFile& piece : best.weights.pieces)
      RETURN_IF_ERROR(files_.Remove(piece.path));
    return files_.Remove(best.weights.index.path);
  }

  int64_t reported = 0;  // step of the newest; 0 for none
  bool warned = false;

 private:
  base::Files& files_;
  std::vector<std::string> kept_;
};

// Content of checkpoints by step, oldest first.
using Checkpoints = std::map<int64_t, std::string>;

class Disk {
 public:
  Disk() { EXPECT_TRUE(base::MakeDirs(files, kDir).ok()); }

  // All that bear a checkpoint's name.
  Checkpoints Find() {
    Checkpoints found;
    const std::vector<std::string> names = files.List(kDir).value();
    for (const std::string& name : names) {
      if (!absl::StartsWith(name, "checkpoint-")) continue;
      std::string bytes =
          base::ReadFile(files, base::JoinPath(kDir, name), size_t{1} << 20).value();
      const auto read = trainer::ReadCheckpoint(base::AsBytes(bytes));
      EXPECT_TRUE(read.ok()) << name << ": " << read.status();
      if (read.ok()) found[read->position.step] = std::move(bytes);
    }
    return found;
  }

  PowerCutFiles files;
};

absl::StatusOr<TrainResult> Train(base::Files& files, Keeper& keeper, const Checkpoints& from) {
  static const test_support::MemoryDataset* const data =
      new test_support::MemoryDataset(test_support::SmallData());
  trainer::TrainerInputs inputs{.spec = Job(),
                                .datasets = {test_support::SmallData().dataset()},
                                .work_dir = kDir,
                                .files = &files};
  std::map<std::string, std::string> blobs;
  for (const auto& [step, bytes] : from) {
    inputs.checkpoints.insert(inputs.checkpoints.begin(), RefOf(bytes));
    blobs[RefOf(bytes).sha256()] = bytes;
  }
  inputs.open_blob =
      [&blobs](const v1::BlobRef& ref) -> absl::StatusOr<std::shared_ptr<const base::MappedFile>> {
    const auto found = blobs.find(ref.sha256());
    if (found == blobs.end()) return data->opener()(ref);
    return std::make_shared<const base::MappedFile>(base::AsBytes(found->second), [] {});
  };
  trainer::Control control;
  return trainer::Train(inputs, control, keeper);
}

const std::string& UndisturbedWeights() {
  static const std::string* const weights = [] {
    Disk disk;
    Keeper keeper(disk.files);
    return new std::string(Train(disk.files, keeper, {}).value().weights_sha256);
  }();
  return *weights;
}

// What a run left behind: nothing below what it reported, and the way to the same end.
void CheckLeft(Disk& disk, const Keeper& keeper, const absl::StatusOr<TrainResult>& result) {
  const Checkpoints left = disk.Find();
  const int64_t newest = left.empty() ? 0 : left.rbegin()->first;
  EXPECT_GE(newest, keeper.reported) << "a reported checkpoint is lost";
  EXPECT_LE(newest, keeper.reported + kEvery);
  if (result.ok()) {
    std::vector<trainer::StoredFile> files = result->weights.pieces;
    files.push_back(result->weights.index);
    for (const trainer::StoredFile& file : files) {
      const auto bytes = base::ReadFile(disk.files, file.path, size_t{1} << 20);
      ASSERT_TRUE(bytes.ok()) << bytes.status();
      EXPECT_EQ(base::Sha256Hex(std::string_view(*bytes)), file.sha256);
    }
  }
  Keeper next(disk.files);
  const auto resumed = Train(disk.files, next, left);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->weights_sha256, UndisturbedWeights());
}

TEST(PowerCutCheckpoint, WhatWasReportedSurvivesEveryPowerCut) {
  int broken_off = 0;
  bool hit = true;
  for (uint64_t n = 0; hit; ++n) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(absl::StrCat("after ", n, " operations, seed ", seed));
      Disk disk;
      Keeper keeper(disk.files);
      disk.files.TurnOffAfter(n);
      const auto result = Train(disk.files, keeper, {});
      hit = disk.files.off();
      EXPECT_NE(result.ok(), hit);
      broken_off += hit ? 1 : 0;
      disk.files.PowerCut(1000 * n + seed);
      CheckLeft(disk, keeper, result);
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(broken_off, 400);
}

TEST(PowerCutCheckpoint, WhatWasReportedSurvivesEveryFailedOperationAndThePowerCutThatFollows) {
  int broken_off = 0;
  bool hit = true;
  for (uint64_t n = 1; hit; ++n) {
    SCOPED_TRACE(absl::StrCat("operation ", n));
    Disk disk;
    FailingFiles files(disk.files);
    Keeper keeper(files);
    files.FailNth(n, test_support::kChangingOps, n % 2 == 0 ? EIO : ENOSPC);
    const auto result = Train(files, keeper, {});
    hit = files.failed();
    EXPECT_NE(result.ok(), hit);
    EXPECT_EQ(files.retried_syncs(), 0u);
    broken_off += hit ? 1 : 0;
    disk.files.PowerCut(n);
    CheckLeft(disk, keeper, result);
    if (HasFailure()) return;
  }
  EXPECT_GT(broken_off, 100);
}

// The two newest checkpoints of a whole run.
Checkpoints RealCheckpoints() {
  Disk disk;
  Keeper keeper(disk.files);
  EXPECT_TRUE(Train(disk.files, keeper, {}).ok());
  return disk.Find();
}

std::string Damaged(std::string bytes, base::PhiloxStream& random) {
  const auto at = [&] { return random.NextBelow(static_cast<uint32_t>(bytes.size())); };
  if (random.NextBelow(2) == 0) {
    bytes.resize(at());
  } else {
    for (uint32_t flips = 1 + random.NextBelow(3); flips > 0; --flips)
      bytes[at()] ^= static_cast<char>(1 << random.NextBelow(8));
  }
  return bytes;
}

TEST(PowerCutCheckpoint, EveryDamageToARealCheckpointIsFound) {
  const std::string whole = RealCheckpoints().rbegin()->second;
  base::PhiloxStream random({.seed = 3});
  for (int round = 0; round < 10'000; ++round) {
    const std::string bytes = Damaged(whole, random);
    if (bytes == whole) continue;  // the same bit twice
    ASSERT_TRUE(absl::IsDataLoss(trainer::ReadCheckpoint(base::AsBytes(bytes)).status()))
        << "round " << round;
  }
}

TEST(PowerCutCheckpoint, ADamagedCheckpointIsPassedOverForTheOneBeforeIt) {
  const Checkpoints whole = RealCheckpoints();
  ASSERT_EQ(whole.size(), 2u);
  base::PhiloxStream random({.seed = 4});
  for (int round = 0; round < 200; ++round) {
    Checkpoints damaged = whole;
    damaged.rbegin()->second = Damaged(damaged.rbegin()->second, random);
    Disk disk;
    Keeper keeper(disk.files);
    const auto result = Train(disk.files, keeper, damaged);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->weights_sha256, UndisturbedWeights());
    EXPECT_TRUE(keeper.warned);
  }
}

}  // namespace
}  // namespace gradus::robustness
