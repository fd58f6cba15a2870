// SPDX-License-Identifier: Apache-2.0
// A callback that keeps everything, and runs of a small job that can be ended at any step.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/trainer/trainer.h"
#include "engine/trainer/weights_file.h"
#include "tests/support/small_job.h"
#include "tests/support/temp_dir.h"

namespace gradus::trainer {

using test_support::kStepsPerEpoch;
using test_support::SmallJob;

using BlobsInMemory = std::map<std::string, std::shared_ptr<std::string>>;

// Reads all files of the weights; returns what means them.
inline v1::BlobRef Load(const StoredWeights& weights, BlobsInMemory& blobs) {
  std::vector<StoredFile> files = weights.pieces;
  files.push_back(weights.index);
  for (const StoredFile& file : files) {
    blobs[file.sha256] = std::make_shared<std::string>(
        base::ReadFile(base::RealFiles(), file.path, size_t{1} << 30).value());
    EXPECT_EQ(base::Sha256Hex(std::string_view(*blobs[file.sha256])), file.sha256);
    EXPECT_EQ(static_cast<int64_t>(blobs[file.sha256]->size()), file.size);
  }
  v1::BlobRef ref;
  ref.set_sha256(weights.index.sha256);
  ref.set_size(weights.index.size);
  return ref;
}

inline absl::StatusOr<std::shared_ptr<const base::MappedFile>> OpenInMemory(
    const BlobsInMemory& blobs, const v1::BlobRef& ref) {
  const auto kept = blobs.find(ref.sha256());
  if (kept == blobs.end()) return absl::NotFoundError("no such blob");
  return std::make_shared<const base::MappedFile>(base::AsBytes(*kept->second),
                                                  [bytes = kept->second] {});
}

// What was written.
inline std::vector<plan::NamedTensor> TensorsOf(const StoredWeights& weights) {
  BlobsInMemory blobs;
  const v1::BlobRef index = Load(weights, blobs);
  return ReadWeights([&](const v1::BlobRef& ref) { return OpenInMemory(blobs, ref); }, index)
      .value();
}
inline std::vector<float> WeightOf(const StoredWeights& weights, const std::string& name) {
  for (plan::NamedTensor& tensor : TensorsOf(weights)) {
    if (tensor.name == name) return std::move(tensor.values);
  }
  ADD_FAILURE() << "no tensor " << name;
  return {};
}

// Keeps events and the bytes of checkpoints; `at_checkpoint` says what to do at each.
class Keeper final : public Callback {
 public:
  void OnEvent(const v1::Event& event) override { events.push_back(event); }
  absl::Status OnCheckpoint(const CheckpointFile& checkpoint) override {
    auto bytes = std::make_shared<std::string>(
        base::ReadFile(base::RealFiles(), checkpoint.file.path, size_t{1} << 30).value());
    blobs[checkpoint.file.sha256] = bytes;
    v1::BlobRef ref;
    ref.set_sha256(checkpoint.file.sha256);
    ref.set_size(checkpoint.file.size);
    checkpoints.insert(checkpoints.begin(), ref);
    steps.push_back(checkpoint.step);
    return at_checkpoint == nullptr ? absl::OkStatus() : at_checkpoint(checkpoint);
  }
  // Keeps what is to be kept, by step.
  absl::Status OnBestCheckpoint(const BestCheckpointFile& told) override {
    best[told.checkpoint.step()] = told.checkpoint;
    EXPECT_EQ(told.checkpoint.weights().sha256(), told.weights.index.sha256);
    EXPECT_EQ(told.checkpoint.weights().size(), told.weights.index.size);
    best_tensors[told.checkpoint.step()] = TensorsOf(told.weights);
    std::erase_if(best, [&](const auto& kept) {
      return std::ranges::find(told.kept_steps, kept.first) == told.kept_steps.end();
    });
    best_steps = told.kept_steps;
    return absl::OkStatus();
  }

  // Events of one kind, in order.
  std::vector<v1::Event> Of(v1::Event::KindCase kind) const {
    std::vector<v1::Event> found;
    for (const v1::Event& event : events) {
      if (event.kind_case() == kind) found.push_back(event);
    }
    return found;
  }
  std::string Warnings() const {
    std::string text;
    for (const v1::Event& event : events) {
      if (event.log_line().level() == v1::LogLine::WARNING) text += event.log_line().text() + "\n";
    }
    return text;
  }

  std::function<absl::Status(const CheckpointFile&)> at_checkpoint;
  std::vector<v1::Event> events;
  std::vector<v1::BlobRef> checkpoints;  // newest first
  std::vector<int64_t> steps;            // of the checkpoints, oldest first
  BlobsInMemory blobs;
  std::map<int64_t, v1::BestCheckpoint> best;
  std::map<int64_t, std::vector<plan::NamedTensor>> best_tensors;  // of all that were told
  std::vector<int64_t> best_steps;                                 // best first
};

// One process's worth of a job, repeatable.
class Training {
 public:
  explicit Training(v1::JobSpec job) : spec(std::move(job)) {}

  TrainerInputs Inputs() {
    return {.spec = spec,
            .datasets = {data.dataset()},
            .open_blob = [this](const v1::BlobRef& ref)
                -> absl::StatusOr<std::shared_ptr<const base::MappedFile>> {
              auto kept = OpenInMemory(keeper.blobs, ref);
              return kept.ok() ? std::move(kept) : data.opener()(ref);
            },
            .checkpoints = keeper.checkpoints,
            .work_dir = dir.path(),
            .save_aside = false};
  }
  absl::StatusOr<TrainResult> Run() {
    Control control;
    return Train(Inputs(), control, keeper);
  }
  // Saves after each `every` steps and asks for a stop after step `step`.
  absl::StatusOr<TrainResult> RunUntil(int64_t step) {
    Control control;
    keeper.at_checkpoint = [&](const CheckpointFile& checkpoint) {
      if (checkpoint.step >= step) control.RequestStop();
      return absl::OkStatus();
    };
    const int64_t every_steps = spec.fit().checkpoint().every_steps();
    spec.mutable_fit()->mutable_checkpoint()->set_every_steps(1);
    absl::StatusOr<TrainResult> result = Train(Inputs(), control, keeper);
    spec.mutable_fit()->mutable_checkpoint()->set_every_steps(every_steps);
    keeper.at_checkpoint = nullptr;
    return result;
  }

  v1::JobSpec spec;
  test_support::MemoryDataset data = test_support::SmallData();
  test_support::TempDir dir;
  Keeper keeper;
};

}  // namespace gradus::trainer
