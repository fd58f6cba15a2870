// SPDX-License-Identifier: Apache-2.0
// A job that any fault interrupts keeps what was acknowledged of it, and goes on to its published
// model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/store/codec.h"
#include "tests/robustness/fault_walk.h"
#include "tests/support/played_rank.h"
#include "tests/support/weights.h"

namespace gradus::robustness {
namespace {

using test_support::PlayedRank;

constexpr char kUser[] = "ann";
constexpr int64_t kEpochs = 3;
constexpr int64_t kLongestRetryDelay = 30'000'000;

// One user, who submits, and the job's ranks, one after the other. A rank reports for each epoch a
// line, its figures and a checkpoint, and at last that it is done.
class Living final : public Flow {
 public:
  absl::Status Go(StoredServer& server) override {
    RETURN_IF_ERROR(Submit(server));
    RETURN_IF_ERROR(CheckStory(server));
    ASSIGN_OR_RETURN(const v1::Job job, server.jobs().Get(id_));
    if (job.state() != v1::Job::SUCCEEDED) {
      EXPECT_FALSE(finished_) << "an acknowledged end is lost";
      RETURN_IF_ERROR(Train(server));
    }
    RETURN_IF_ERROR(CheckEnd(server));
    server.executor().Exit(key_, "exited with 0", true);
    server.jobs().Settle();
    return CheckStory(server);
  }

 private:
  enum class Report { kLine, kFigures, kCheckpoint, kDone };
  struct Item {
    Report report;
    int64_t epoch;
  };

  // What the seq-th report of the current rank is.
  Item ItemOf(int64_t seq) const {
    const int64_t epoch = first_epoch_ + (seq - 1) / 3;
    return epoch > kEpochs ? Item{Report::kDone, epoch}
                           : Item{static_cast<Report>((seq - 1) % 3), epoch};
  }
  std::string LineOf(int64_t epoch) const {
    return absl::StrCat("fence ", key_.fence, " epoch ", epoch);
  }
  static std::string StateOf(int64_t epoch) {
    return std::string(2500, static_cast<char>('a' + epoch));
  }
  static v1::BlobRef RefOf(const std::string& content) {
    v1::BlobRef ref;
    ref.set_sha256(base::Sha256Hex(std::string_view(content)));
    ref.set_size(static_cast<int64_t>(content.size()));
    return ref;
  }

  absl::Status Submit(StoredServer& server) {
    jobs::Submission submission;
    submission.user = kUser;
    submission.request_id = "submit";
    submission.spec.mutable_resources()->set_cores(1);
    submission.spec.mutable_publish()->set_model("net");
    submission.fingerprint = store::Fingerprint(submission.spec);
    submission.memory_bytes = 1 << 20;
    submission.total_epochs = kEpochs;
    ASSIGN_OR_RETURN(const v1::Job job, server.jobs().Submit(submission));
    if (!id_.empty()) {
      EXPECT_EQ(job.id(), id_) << "one key, two jobs";
    } else {
      id_ = job.id();
      Acknowledged();
    }
    return absl::OkStatus();
  }

  // From the rank's start, or from where the living one stands, to its last word.
  absl::Status Train(StoredServer& server) {
    server.clock().Advance(kLongestRetryDelay);
    server.jobs().Settle();
    executors::RankKey key;
    for (const executors::RankSpec& running : server.executor().running()) key = running.key;
    if (key.fence == 0) return absl::UnavailableError("no rank was started");
    PlayedRank rank(server.jobs(), server.blobs(), key);
    if (key == key_) {
      RETURN_IF_ERROR(rank.Attach(true));
      EXPECT_GE(rank.acked(), acked_) << "acknowledged reports are lost";
      EXPECT_LE(rank.acked(), acked_ + 1);
      if (rank.acked() > acked_) Note(rank.acked());
    } else {
      RETURN_IF_ERROR(rank.Attach());
      RETURN_IF_ERROR(TakeAssignment(server, rank));
    }
    Item item{};
    do {
      item = ItemOf(rank.next_seq());
      RETURN_IF_ERROR(Send(server, rank, item));
      Note(rank.acked());
    } while (item.report != Report::kDone);
    return absl::OkStatus();
  }

  absl::Status TakeAssignment(StoredServer& server, const PlayedRank& rank) {
    const auto& checkpoints = rank.assignment()->checkpoints();
    EXPECT_GE(checkpoints.size(), std::min<int64_t>(2, newest_)) << "a checkpoint is lost";
    for (const v1::CheckpointReady& checkpoint : checkpoints)
      RETURN_IF_ERROR(CheckBlob(server, checkpoint.blob()));
    const int64_t newest = checkpoints.empty() ? 0 : checkpoints[0].epoch();
    EXPECT_GE(newest, newest_) << "an acknowledged checkpoint is lost";
    newest_ = newest;
    key_ = rank.key();
    acked_ = 0;
    first_epoch_ = newest + 1;
    Acknowledged();
    return absl::OkStatus();
  }

  absl::Status Send(StoredServer& server, PlayedRank& rank, const Item& item) {
    v1::WorkerEvent event;
    switch (item.report) {
      case Report::kLine:
        event.mutable_event()->mutable_log_line()->set_text(LineOf(item.epoch));
        break;
      case Report::kFigures:
        return rank.Epoch(item.epoch, 1.0 / static_cast<double>(item.epoch), 0.5).status();
      case Report::kCheckpoint:
        RETURN_IF_ERROR(StoreBlob(server, StateOf(item.epoch)));
        *event.mutable_checkpoint_ready()->mutable_blob() = RefOf(StateOf(item.epoch));
        event.mutable_checkpoint_ready()->set_epoch(item.epoch);
        break;
      case Report::kDone: {
        const test_support::SmallWeights weights = test_support::WeightsOf(StateOf(item.epoch));
        RETURN_IF_ERROR(StoreBlob(server, weights.piece));
        RETURN_IF_ERROR(StoreBlob(server, weights.index));
        event.mutable_finished()->set_outcome(v1::RankFinished::DONE);
        event.mutable_finished()->set_weights_sha256("digest");
        *event.mutable_finished()->mutable_weights() = RefOf(weights.index);
      }
    }
    return rank.Send(event).status();
  }

  // As WorkerService takes it: in pieces, behind the rank's fence.
  absl::Status StoreBlob(StoredServer& server, const std::string& content) {
    constexpr size_t kPiece = 900;
    const auto guard = server.jobs().FenceGuard(key_);
    ASSIGN_OR_RETURN(const auto writer, server.blobs().Write(RefOf(content), guard));
    const bool resumed = writer->committed() > 0;
    while (writer->committed() < static_cast<int64_t>(content.size())) {
      const std::string piece = content.substr(static_cast<size_t>(writer->committed()), kPiece);
      RETURN_IF_ERROR(writer->Append(base::AsBytes(piece)));
    }
    const absl::Status committed = writer->Commit();
    // A power cut may have torn what had come before it: then all of it is sent again.
    if (resumed && absl::IsDataLoss(committed) && server.faults() == 0)
      return StoreBlob(server, content);
    return committed;
  }

  // The current rank's report `seq` is acknowledged.
  void Note(int64_t seq) {
    const Item item = ItemOf(seq);
    if (item.report == Report::kLine) lines_.push_back(LineOf(item.epoch));
    if (item.report == Report::kCheckpoint) newest_ = item.epoch;
    if (item.report == Report::kDone) finished_ = true;
    acked_ = seq;
    Acknowledged();
  }

  static absl::Status CheckBlob(StoredServer& server, const v1::BlobRef& ref) {
    const absl::Status mapped = server.blobs().Map(ref).status();
    EXPECT_FALSE(absl::IsNotFound(mapped) || absl::IsDataLoss(mapped)) << mapped;
    return mapped;
  }

  // Events follow each other, and each acknowledged line stands there once.
  absl::Status CheckStory(StoredServer& server) {
    ASSIGN_OR_RETURN(const events::Page page, server.events().Read(id_, {}));
    std::vector<std::string> told;
    for (size_t i = 0; i < page.events.size(); ++i) {
      EXPECT_EQ(page.events[i].seq(), i + 1);
      const std::string& text = page.events[i].log_line().text();
      if (absl::StartsWith(text, "fence ")) told.push_back(text);
    }
    auto at = told.begin();
    for (const std::string& line : lines_) {
      EXPECT_EQ(std::count(told.begin(), told.end(), line), 1) << line;
      at = std::find(at, told.end(), line);
      EXPECT_NE(at, told.end()) << line << " is lost or out of order";
    }
    return absl::OkStatus();
  }

  absl::Status CheckEnd(StoredServer& server) {
    ASSIGN_OR_RETURN(const v1::Job job, server.jobs().Get(id_));
    EXPECT_EQ(job.state(), v1::Job::SUCCEEDED);
    EXPECT_EQ(job.published(), "net@1");
    const absl::StatusOr<v1::Model> model = server.models().Get(job.published());
    EXPECT_FALSE(absl::IsNotFound(model.status())) << model.status();
    RETURN_IF_ERROR(model.status());
    const test_support::SmallWeights weights = test_support::WeightsOf(StateOf(kEpochs + 1));
    EXPECT_EQ(model->weights().sha256(), RefOf(weights.index).sha256());
    finished_ = true;
    RETURN_IF_ERROR(CheckBlob(server, RefOf(weights.piece)));
    return CheckBlob(server, model->weights());
  }

  // What was told.
  std::string id_;
  executors::RankKey key_;   // the newest rank that attached
  int64_t acked_ = 0;        // of its reports
  int64_t first_epoch_ = 0;  // that it trains
  int64_t newest_ = 0;       // checkpoint, by its epoch; 0 for none
  std::vector<std::string> lines_;
  bool finished_ = false;
};

WalkReport WalkLife(Fault fault) {
  return Walk(fault, [] { return std::make_unique<Living>(); });
}

TEST(PowerCutJobLife, WhatWasAcknowledgedSurvivesEveryPowerCut) {
  EXPECT_GT(WalkLife(Fault::kPowerCut).broken_off, 20);
}

TEST(PowerCutJobLife, ALivingRankGoesOnAfterAKillAndThePowerCutThatFollows) {
  EXPECT_GT(WalkLife(Fault::kKill).broken_off, 20);
}

TEST(PowerCutJobLife, NothingIsAcknowledgedAfterAFailedOperation) {
  EXPECT_GT(WalkLife(Fault::kEio).stopped, 20);
  EXPECT_GT(WalkLife(Fault::kEnospc).stopped, 20);
}

TEST(PowerCutJobLife, ALostSyncTakesNothingThatWasAcknowledged) {
  EXPECT_GT(WalkLife(Fault::kLostSync).stopped, 10);
}

TEST(PowerCutJobLife, AFirstStartMayBeBrokenOffAnywhere) {
  for (const Fault fault : {Fault::kPowerCut, Fault::kKill, Fault::kEio, Fault::kLostSync}) {
    const WalkReport report = WalkFirstStart(fault, [] { return std::make_unique<Living>(); });
    EXPECT_GT(report.broken_off, 3);
  }
}

}  // namespace
}  // namespace gradus::robustness
