// SPDX-License-Identifier: Apache-2.0
// A model whose upload any fault interrupts becomes one version, whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "tests/robustness/fault_walk.h"

namespace gradus::robustness {
namespace {

constexpr size_t kTensorBytes = 4096;

class Pushing final : public Flow {
 public:
  absl::Status Go(StoredServer& server) override {
    if (!ref_.empty()) RETURN_IF_ERROR(CheckVersion(server));
    ASSIGN_OR_RETURN(const v1::Upload upload, server.uploads().Begin("ann", Request()));
    if (upload.committed(0) < static_cast<int64_t>(content_.size())) {
      ASSIGN_OR_RETURN(const auto appender,
                       server.uploads().Append(upload.id(), 0, upload.committed(0)));
      const std::string rest = content_.substr(static_cast<size_t>(upload.committed(0)));
      RETURN_IF_ERROR(appender->Append(base::AsBytes(rest)));
      RETURN_IF_ERROR(appender->Commit().status());
      Acknowledged();
    }
    ASSIGN_OR_RETURN(const v1::FinishUploadResponse finished, server.uploads().Finish(upload.id()));
    EXPECT_TRUE(ref_.empty() || finished.model() == ref_) << "one key, two versions";
    if (ref_.empty()) Acknowledged();
    ref_ = finished.model();
    RETURN_IF_ERROR(CheckVersion(server));
    RETURN_IF_ERROR(server.uploads().RemoveAbandoned().status());
    ASSIGN_OR_RETURN(const auto left, server.files().List("/data/uploads"));
    EXPECT_THAT(left, ::testing::IsEmpty());
    return absl::OkStatus();
  }

 private:
  v1::PushModelRequest Request() const {
    v1::PushModelRequest request;
    request.set_request_id("push");
    request.set_name("net");
    for (const char* layer : {"first", "second"})
      request.mutable_model()->add_layers()->set_name(layer);
    v1::UploadFile& file = *request.mutable_file();
    file.set_name("weights.safetensors");
    file.set_size(static_cast<int64_t>(content_.size()));
    file.set_sha256(base::Sha256Hex(std::string_view(content_)));
    file.set_format(v1::UploadFile::SAFETENSORS);
    return request;
  }

  absl::Status CheckVersion(StoredServer& server) const {
    const auto file = server.models().Open(ref_);
    EXPECT_FALSE(absl::IsNotFound(file.status())) << "an acknowledged version is lost";
    RETURN_IF_ERROR(file.status());
    EXPECT_TRUE(file->Values("second/kernel").ok());
    return absl::OkStatus();
  }

  const std::string content_ = std::string(kTensorBytes, 'a') + std::string(kTensorBytes, 'b');
  std::string ref_;  // what the client was told
};

WalkReport WalkPush(Fault fault) {
  return Walk(fault, [] { return std::make_unique<Pushing>(); });
}

TEST(PowerCutPush, AVersionSurvivesEveryPowerCut) {
  EXPECT_GT(WalkPush(Fault::kPowerCut).broken_off, 20);
}

TEST(PowerCutPush, AVersionSurvivesAKillAndThePowerCutThatFollows) {
  EXPECT_GT(WalkPush(Fault::kKill).broken_off, 20);
}

TEST(PowerCutPush, NothingIsAcknowledgedAfterAFailedOperation) {
  EXPECT_GT(WalkPush(Fault::kEio).stopped, 20);
}

TEST(PowerCutPush, ALostSyncTakesNothingThatWasAcknowledged) {
  EXPECT_GT(WalkPush(Fault::kLostSync).stopped, 5);
}

}  // namespace
}  // namespace gradus::robustness
