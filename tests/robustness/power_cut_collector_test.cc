// SPDX-License-Identifier: Apache-2.0
// Whatever interrupts storing, dropping and collecting blobs, one that is referred to is never
// lost, and one that is not goes in the end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/philox.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "tests/robustness/fault_walk.h"

namespace gradus::robustness {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000;

// Owners take and leave few contents, so that the same blob is stored, marked, saved, removed and
// stored again.
class Collecting final : public Flow {
 public:
  Collecting() {
    base::PhiloxStream random({.seed = 11});
    std::map<uint32_t, bool> holds;
    for (int i = 0; i < kSteps; ++i) {
      const uint32_t owner = random.NextBelow(kOwners);
      Step step{.owner = absl::StrCat("owner ", owner)};
      if (i % 3 == 2) {
        step.hours = 1 + random.NextBelow(30);
      } else if (!holds[owner]) {
        step.content = std::string(600 + 900 * random.NextBelow(kContents), 'c');
      }
      if (step.hours == 0) holds[owner] = !holds[owner];
      steps_.push_back(step);
    }
  }

  absl::Status Go(StoredServer& server) override {
    RETURN_IF_ERROR(CheckHeld(server));
    for (; next_ < steps_.size(); ++next_) {
      RETURN_IF_ERROR(Do(server, steps_[next_]));
      Acknowledged();
    }
    return CheckOthersGo(server);
  }

 private:
  static constexpr int kSteps = 24;
  static constexpr uint32_t kOwners = 4;
  static constexpr uint32_t kContents = 3;

  // One of: the owner takes the content, leaves what it has, time goes by and a collection runs.
  struct Step {
    std::string owner;
    std::string content;
    int64_t hours = 0;
  };

  static v1::BlobRef RefOf(const std::string& content) {
    v1::BlobRef ref;
    ref.set_sha256(base::Sha256Hex(std::string_view(content)));
    ref.set_size(static_cast<int64_t>(content.size()));
    return ref;
  }

  absl::Status Do(StoredServer& server, const Step& step) {
    if (step.hours > 0) {
      server.clock().Advance(step.hours * kHour);
      return server.blobs().Collect().status();
    }
    if (step.content.empty()) {
      held_.erase(step.owner);  // asked for: whether it was done before a fault is open
      return server.store().Write(
          [&](store::Tx& tx) { return store::BlobStore::DropRefs(tx, "test", step.owner); });
    }
    ASSIGN_OR_RETURN(const v1::BlobRef ref, server.blobs().Put(base::AsBytes(step.content)));
    RETURN_IF_ERROR(server.store().Write(
        [&](store::Tx& tx) { return store::BlobStore::AddRef(tx, ref, "test", step.owner); }));
    held_[step.owner] = step.content;
    return absl::OkStatus();
  }

  absl::Status CheckHeld(StoredServer& server) {
    for (const auto& [owner, content] : held_) {
      const auto mapped = server.blobs().Map(RefOf(content));
      EXPECT_FALSE(absl::IsNotFound(mapped.status()) || absl::IsDataLoss(mapped.status()))
          << "the blob of " << owner << " is lost: " << mapped.status();
      RETURN_IF_ERROR(mapped.status());
    }
    return absl::OkStatus();
  }

  absl::Status CheckOthersGo(StoredServer& server) {
    for (int pass = 0; pass < 2; ++pass) {
      server.clock().Advance(store::kBlobGraceMicros + kHour);
      RETURN_IF_ERROR(server.blobs().Collect().status());
    }
    RETURN_IF_ERROR(CheckHeld(server));
    for (const Step& step : steps_) {
      if (step.content.empty()) continue;
      const bool held = std::any_of(held_.begin(), held_.end(), [&](const auto& entry) {
        return entry.second == step.content;
      });
      const v1::BlobRef ref = RefOf(step.content);
      ASSIGN_OR_RETURN(const bool stored, server.blobs().Has(ref));
      ASSIGN_OR_RETURN(const bool exists,
                       server.files().Exists(server.blobs().PathOf(ref.sha256())));
      EXPECT_EQ(stored, held);
      EXPECT_EQ(exists, held);
    }
    return absl::OkStatus();
  }

  std::vector<Step> steps_;
  size_t next_ = 0;
  std::map<std::string, std::string> held_;  // owner -> content
};

WalkReport WalkCollector(Fault fault) {
  return Walk(fault, [] { return std::make_unique<Collecting>(); });
}

TEST(PowerCutCollector, AReferencedBlobSurvivesEveryPowerCut) {
  EXPECT_GT(WalkCollector(Fault::kPowerCut).broken_off, 20);
}

TEST(PowerCutCollector, AReferencedBlobSurvivesAKillAndThePowerCutThatFollows) {
  EXPECT_GT(WalkCollector(Fault::kKill).broken_off, 20);
}

TEST(PowerCutCollector, AReferencedBlobSurvivesEveryFailedOperation) {
  EXPECT_GT(WalkCollector(Fault::kEio).stopped, 20);
  EXPECT_GT(WalkCollector(Fault::kEnospc).stopped, 20);
}

TEST(PowerCutCollector, AReferencedBlobSurvivesEveryLostSync) {
  EXPECT_GT(WalkCollector(Fault::kLostSync).stopped, 10);
}

}  // namespace
}  // namespace gradus::robustness
