// SPDX-License-Identifier: Apache-2.0
// An upload that any fault interrupts goes on from an offset that is not below what was
// acknowledged, and becomes the dataset that was meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
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

constexpr char kUser[] = "ann";
constexpr char kDataset[] = "digits";
constexpr int64_t kRows = 1000;
constexpr size_t kChunk = 1300;

std::string RandomBytes(size_t size, uint64_t seed) {
  base::PhiloxStream random({.seed = seed});
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

class Uploading final : public Flow {
 public:
  absl::Status Go(StoredServer& server) override {
    if (dataset_.has_value()) {
      const absl::Status found = server.datasets().Get(kDataset).status();
      EXPECT_FALSE(absl::IsNotFound(found)) << "an acknowledged dataset is lost";
      RETURN_IF_ERROR(found);
    }
    ASSIGN_OR_RETURN(const v1::Upload upload, server.uploads().Begin(kUser, Request()));
    if (!id_.empty()) {
      EXPECT_EQ(upload.id(), id_) << "one key, two uploads";
    } else {
      id_ = upload.id();
      Acknowledged();
    }
    for (int file = 0; file < upload.committed_size(); ++file) {
      const int64_t offset = upload.committed(file);
      EXPECT_GE(offset, committed_[static_cast<size_t>(file)]) << "acknowledged bytes are lost";
      RETURN_IF_ERROR(Send(server, file, offset));
    }
    RETURN_IF_ERROR(Finish(server));
    RETURN_IF_ERROR(server.uploads().RemoveAbandoned().status());
    ASSIGN_OR_RETURN(const auto left, server.files().List("/data/uploads"));
    EXPECT_THAT(left, ::testing::IsEmpty());
    return absl::OkStatus();
  }

 private:
  v1::BeginUploadRequest Request() const {
    v1::BeginUploadRequest request;
    request.set_request_id("upload");
    request.set_dataset(kDataset);
    for (size_t i = 0; i < content_.size(); ++i) {
      v1::UploadFile& file = *request.add_files();
      file.set_name(absl::StrCat(i, ".idx"));
      file.set_size(static_cast<int64_t>(content_[i].size()));
      file.set_sha256(base::Sha256Hex(std::string_view(content_[i])));
      file.set_format(v1::UploadFile::IDX);
      file.set_split("train");
      file.set_column(i == 0 ? "x" : "y");
    }
    return request;
  }

  // A stream a chunk, so that each is acknowledged.
  absl::Status Send(StoredServer& server, int file, int64_t offset) {
    const std::string& content = content_[static_cast<size_t>(file)];
    while (offset < static_cast<int64_t>(content.size())) {
      ASSIGN_OR_RETURN(const auto appender, server.uploads().Append(id_, file, offset));
      const std::string chunk = content.substr(static_cast<size_t>(offset), kChunk);
      RETURN_IF_ERROR(appender->Append(base::AsBytes(chunk)));
      ASSIGN_OR_RETURN(offset, appender->Commit());
      committed_[static_cast<size_t>(file)] = offset;
      Acknowledged();
    }
    return absl::OkStatus();
  }

  absl::Status Finish(StoredServer& server) {
    ASSIGN_OR_RETURN(const v1::FinishUploadResponse finished, server.uploads().Finish(id_));
    const v1::Dataset& dataset = finished.dataset();
    if (dataset_.has_value()) {
      EXPECT_EQ(dataset.SerializeAsString(), dataset_->SerializeAsString());
    } else {
      dataset_ = dataset;
      Acknowledged();
    }
    EXPECT_EQ(dataset.splits(0).rows(), kRows);
    for (size_t i = 0; i < content_.size(); ++i) {
      const v1::BlobRef& ref = dataset.splits(0).columns(static_cast<int>(i)).blob();
      EXPECT_EQ(ref.sha256(), base::Sha256Hex(std::string_view(content_[i])));
      const absl::Status mapped = server.blobs().Map(ref).status();
      EXPECT_FALSE(absl::IsNotFound(mapped) || absl::IsDataLoss(mapped)) << mapped;
      RETURN_IF_ERROR(mapped);
    }
    return absl::OkStatus();
  }

  const std::array<std::string, 2> content_ = {RandomBytes(4 * kRows, 1), RandomBytes(kRows, 2)};
  // What the client was told.
  std::string id_;
  std::array<int64_t, 2> committed_ = {};
  std::optional<v1::Dataset> dataset_;
};

WalkReport WalkUpload(Fault fault) {
  return Walk(fault, [] { return std::make_unique<Uploading>(); });
}

TEST(PowerCutUpload, AcknowledgedBytesSurviveEveryPowerCut) {
  EXPECT_GT(WalkUpload(Fault::kPowerCut).broken_off, 20);
}

TEST(PowerCutUpload, AcknowledgedBytesSurviveAKillAndThePowerCutThatFollows) {
  EXPECT_GT(WalkUpload(Fault::kKill).broken_off, 20);
}

TEST(PowerCutUpload, NothingIsAcknowledgedAfterAFailedOperation) {
  EXPECT_GT(WalkUpload(Fault::kEio).stopped, 20);
  EXPECT_GT(WalkUpload(Fault::kEnospc).stopped, 20);
}

TEST(PowerCutUpload, ALostSyncTakesNothingThatWasAcknowledged) {
  EXPECT_GT(WalkUpload(Fault::kLostSync).stopped, 10);
}

}  // namespace
}  // namespace gradus::robustness
