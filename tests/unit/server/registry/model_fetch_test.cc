// SPDX-License-Identifier: Apache-2.0
// What a fetch sends: the bytes asked for, verified, from any offset on.
#include <fstream>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors.h"
#include "server/registry/weights.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

using ::testing::ElementsAre;

const std::vector<std::string> kLayers = {"first", "second", "third"};
constexpr int kUnits = 1000;

std::string Text(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

class ModelFetchTest : public RegistryFixture {
 protected:
  void SetUp() override {
    RegistryFixture::SetUp();
    const auto ref = Publish("net", file_, kLayers);
    ASSERT_TRUE(ref.ok()) << ref.status();
  }

  absl::StatusOr<ModelFile> Select(const std::vector<int>& layers) {
    return models_->Open(
        "net",
        [&](std::span<const std::string>) -> absl::StatusOr<std::vector<int>> { return layers; });
  }

  static std::string Sent(const ModelFile& file, int64_t offset, size_t piece = 4096) {
    std::string sent;
    const absl::Status status = file.Send(offset, piece, [&](std::span<const std::byte> bytes) {
      EXPECT_LE(bytes.size(), piece);
      sent += Text(bytes);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return sent;
  }

  const std::string file_ = WeightsFile(kLayers, kUnits);
};

TEST_F(ModelFetchTest, PiecesMakeTheWholeFile) {
  const auto file = models_->Open("net");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->size(), static_cast<int64_t>(file_.size()));
  EXPECT_EQ(file->sha256(), base::Sha256Hex(file_));
  EXPECT_TRUE(Sent(*file, 0) == file_);
  EXPECT_EQ(file->model().spec().layers_size(), 3);
}

TEST_F(ModelFetchTest, SomeLayersAreSentAsAFileOfTheirOwnAndNothingElseMoves) {
  const auto file = Select({1});
  ASSERT_TRUE(file.ok()) << file.status();
  const std::string sent = Sent(*file, 0);
  EXPECT_EQ(static_cast<int64_t>(sent.size()), file->size());
  EXPECT_EQ(base::Sha256Hex(sent), file->sha256());
  const int64_t values = 5 * kUnits * static_cast<int64_t>(sizeof(float));
  EXPECT_LT(file->size(), values + 512) << "a third of the values, and a header";

  const auto view = formats::SafetensorsView::Parse(base::AsBytes(sent));
  ASSERT_TRUE(view.ok()) << view.status();
  const auto whole = formats::SafetensorsView::Parse(base::AsBytes(file_));
  ASSERT_TRUE(whole.ok());
  ASSERT_EQ(view->tensors().size(), 2U);
  for (const char* name : {"second/kernel", "second/bias"}) {
    EXPECT_TRUE(Text(*view->Bytes(name)) == Text(*whole->Bytes(name))) << name;
  }
}

TEST_F(ModelFetchTest, TheSelectionSeesTheModelsLayers) {
  std::vector<std::string> seen;
  const auto file = models_->Open(
      "net", [&](std::span<const std::string> names) -> absl::StatusOr<std::vector<int>> {
        seen.assign(names.begin(), names.end());
        return absl::NotFoundError("no such layer");
      });
  EXPECT_TRUE(absl::IsNotFound(file.status()));
  EXPECT_THAT(seen, ElementsAre("first", "second", "third"));
}

TEST_F(ModelFetchTest, LayersWhoseNameBeginsAlikeAreNotMixedUp) {
  ASSERT_TRUE(Publish("net", WeightsFile({"dense", "dense_1", "dense_10"}, 10),
                      {"dense", "dense_1", "dense_10"})
                  .ok());
  const auto file = Select({1});
  ASSERT_TRUE(file.ok()) << file.status();
  const std::string sent = Sent(*file, 0);
  const auto view = formats::SafetensorsView::Parse(base::AsBytes(sent));
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->tensors().size(), 2U);
  EXPECT_TRUE(view->Bytes("dense_1/kernel").ok());
}

TEST_F(ModelFetchTest, ABrokenTransferGoesOnAtAnyOffset) {
  for (const std::vector<int>& layers : {std::vector<int>{0, 1, 2}, std::vector<int>{0, 2}}) {
    const auto file = Select(layers);
    ASSERT_TRUE(file.ok()) << file.status();
    const std::string whole = Sent(*file, 0);
    for (int64_t offset = 0; offset <= file->size(); offset += offset < 600 ? 1 : 997) {
      ASSERT_TRUE(Sent(*file, offset, 1000) == whole.substr(static_cast<size_t>(offset))) << offset;
    }
    EXPECT_EQ(Sent(*file, file->size()), "");
  }
}

TEST_F(ModelFetchTest, TensorsAreFoundByTheirNames) {
  const auto file = models_->Open("net");
  ASSERT_TRUE(file.ok());
  const auto view = formats::SafetensorsView::Parse(base::AsBytes(file_));
  ASSERT_TRUE(view.ok());
  for (const char* name : {"first/bias", "third/kernel"}) {
    const auto values = file->Values(name);
    ASSERT_TRUE(values.ok()) << values.status();
    EXPECT_TRUE(Text(std::as_bytes(std::span(*values))) == Text(*view->Bytes(name))) << name;
  }
  EXPECT_TRUE(absl::IsDataLoss(file->Values("fourth/kernel").status()));
}

TEST_F(ModelFetchTest, OtherBytesOfAModelAreSentAsAFileIs) {
  const auto whole = models_->Open("net");
  ASSERT_TRUE(whole.ok());
  const std::string bytes(10'000, 'o');
  const ModelFile file = ModelFile::Of(whole->model(), bytes);
  EXPECT_EQ(file.size(), 10'000);
  EXPECT_EQ(file.sha256(), base::Sha256Hex(bytes));
  EXPECT_TRUE(Sent(file, 7'000) == bytes.substr(7'000));
}

TEST_F(ModelFetchTest, AnOffsetBeyondTheEndIsOutOfRange) {
  const auto file = models_->Open("net");
  ASSERT_TRUE(file.ok());
  const auto sink = [](std::span<const std::byte>) { return absl::OkStatus(); };
  for (const int64_t offset :
       {int64_t{-1}, file->size() + 1, std::numeric_limits<int64_t>::max()}) {
    const absl::Status refused = file->Send(offset, 4096, sink);
    EXPECT_TRUE(absl::IsOutOfRange(refused)) << refused;
    EXPECT_EQ(base::FieldOf(refused), "offset");
  }
}

TEST_F(ModelFetchTest, AReceiverThatGoesAwayEndsTheTransfer) {
  const auto file = models_->Open("net");
  ASSERT_TRUE(file.ok());
  int calls = 0;
  const absl::Status status = file->Send(0, 4096, [&](std::span<const std::byte>) {
    return ++calls == 3 ? absl::CancelledError("gone") : absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsCancelled(status));
  EXPECT_EQ(calls, 3);
}

TEST_F(ModelFetchTest, DamagedWeightsAreDataLossBeforeTheFirstByte) {
  const auto index = ReadIndex(*blobs_, models_->Get("net")->weights());
  ASSERT_TRUE(index.ok()) << index.status();
  ASSERT_EQ(index->pieces_size(), 3);
  const v1::BlobRef& last = index->pieces(2).blob();
  const auto put = [&](char byte) {
    std::fstream blob(blobs_->PathOf(last.sha256()),
                      std::ios::in | std::ios::out | std::ios::binary);
    blob.seekp(static_cast<std::streamoff>(last.size() - 1));
    blob.put(byte);
  };
  put('\x7f');
  EXPECT_TRUE(absl::IsDataLoss(models_->Open("net").status()));
  EXPECT_TRUE(absl::IsDataLoss(Select({2}).status()));
  EXPECT_TRUE(Select({0}).ok()) << "the damage lies in the third layer";
  put(file_.back());
  EXPECT_TRUE(models_->Open("net").ok());
}

TEST_F(ModelFetchTest, ARemovalDoesNotDisturbAFetchUnderWay) {
  const auto file = models_->Open("net");
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(RemoveModel("net@1", "r1").ok());
  Collect();
  EXPECT_TRUE(absl::IsNotFound(models_->Open("net").status()));
  EXPECT_TRUE(Sent(*file, 0) == file_);
}

}  // namespace
}  // namespace gradus::registry
