// SPDX-License-Identifier: Apache-2.0
#include "gradus/model_fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "internal/sha256.h"
#include "proto/support/parse.h"
#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::FakeConnection;
using ::testing::HasSubstr;

class ModelFetchTest : public ::testing::Test {
 protected:
  ModelFetchTest() {
    v1::Model& model = server->models["m@1"];
    model.set_name("m");
    model.set_version(1);
    model.add_datasets("fashion|mnist");
    *model.mutable_spec() =
        *support::Parse<v1::ModelSpec>("{input_shape: [4], layers: [dense: {units: 3}]}");
    server->weights = std::string(10'500, 'w');
  }
  absl::StatusOr<v1::Model> Fetch() { return FetchModel(client, "m@1", folder / "out"); }
  int Files() {
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "out"))
      files += entry.is_regular_file() ? 1 : 0;
    return files;
  }

  testing::Folder folder;
  std::shared_ptr<FakeConnection> server = std::make_shared<FakeConnection>();
  Client client{server, testing::Impatient()};
};

TEST_F(ModelFetchTest, WritesDefinitionWeightsAndCard) {
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(folder.Read("out/weights.safetensors"), server->weights);
  const auto spec = support::Parse<v1::ModelSpec>(folder.Read("out/model.json"));
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->layers(0).dense().units(), 3);
  EXPECT_THAT(folder.Read("out/README.md"), HasSubstr("fashion\\|mnist"));
  EXPECT_EQ(Files(), 3);
}

TEST_F(ModelFetchTest, AnotherFormatHasAnotherNameAndACardThatSaysSo) {
  FetchOptions options;
  options.format = v1::FetchModelRequest::ONNX;
  server->stream_breaks = {4};
  ASSERT_TRUE(FetchModel(client, "m@1", folder / "out", options).ok());
  EXPECT_THAT(server->fetched_as, Each(v1::FetchModelRequest::ONNX));
  EXPECT_EQ(folder.Read("out/model.onnx"), server->weights);
  EXPECT_THAT(folder.Read("out/README.md"), HasSubstr("`model.onnx`"));
  EXPECT_EQ(Files(), 3);
}

TEST_F(ModelFetchTest, AnExportIsOneFile) {
  FetchOptions options;
  options.format = v1::FetchModelRequest::ONNX;
  ASSERT_TRUE(ExportModel(client, "m@1", folder / "out/net", options).ok());
  EXPECT_EQ(folder.Read("out/net"), server->weights);
  EXPECT_EQ(Files(), 1);
}

TEST_F(ModelFetchTest, AnExportNeedsTheNameOfAFile) {
  EXPECT_EQ(ExportModel(client, "m@1", folder / "out/").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ModelFetchTest, AGeneratedCardHasRecipeMetricsDataParentsAndLicence) {
  v1::Model& model = server->models["m@1"];
  model.mutable_recipe()->mutable_fit()->set_batch_size(17);
  (*model.mutable_metrics())["val_loss"] = 0.25;
  model.add_parents("base@4");
  model.set_licence("Apache-2.0");
  const std::string card = ModelCard(model, v1::FetchModelRequest::SAFETENSORS);
  for (const char* text : {"batch_size: 17", "| val_loss | 0.25 |", "fashion\\|mnist", "base@4",
                           "| licence | Apache-2.0 |", "units: 3"})
    EXPECT_THAT(card, HasSubstr(text));
}

TEST_F(ModelFetchTest, AnOwnersCardTakesTheGeneratedOnesPlace) {
  server->models["m@1"].set_card("# Mine\n");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(folder.Read("out/README.md"), "# Mine\n");
}

TEST_F(ModelFetchTest, ABrokenTransferGoesOnWhereItBroke) {
  server->stream_breaks = {4, 3};  // the header and three pieces, then the header and two
  ASSERT_TRUE(Fetch().ok());
  EXPECT_THAT(server->fetched_from, ElementsAre(0, 3000, 5000));
  EXPECT_EQ(folder.Read("out/weights.safetensors"), server->weights);
}

TEST_F(ModelFetchTest, ALaterCallTakesWhatAnEarlierOneGot) {
  const std::string part = "out/.weights-" + internal::Sha256Of(server->weights) + ".part";
  std::filesystem::create_directories(folder / "out");
  folder.Write(part, server->weights.substr(0, 8000));
  ASSERT_TRUE(Fetch().ok());
  EXPECT_THAT(server->fetched_from, ElementsAre(0, 8000));
  EXPECT_EQ(folder.Read("out/weights.safetensors"), server->weights);
  EXPECT_EQ(Files(), 3);
}

TEST_F(ModelFetchTest, WrongBytesNeverGetTheName) {
  server->corrupt_weights = true;
  EXPECT_EQ(Fetch().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Files(), 0);
  server->corrupt_weights = false;
  EXPECT_TRUE(Fetch().ok());
}

TEST_F(ModelFetchTest, AnEarlierModelStaysUntilTheNewOneIsWhole) {
  ASSERT_TRUE(Fetch().ok());
  const std::string before = folder.Read("out/weights.safetensors");
  server->weights = std::string(5000, 'n');
  server->corrupt_weights = true;
  EXPECT_FALSE(Fetch().ok());
  EXPECT_EQ(folder.Read("out/weights.safetensors"), before);
}

TEST_F(ModelFetchTest, AModelThatIsNotThereIsNotFound) {
  EXPECT_EQ(FetchModel(client, "none", folder / "out").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

TEST_F(ModelFetchTest, AFileInTheFoldersPlaceIsNamed) {
  folder.Write("out", "a file");
  EXPECT_EQ(Fetch().status(), absl::FailedPreconditionError(folder / "out: not a folder"));
  EXPECT_EQ(folder.Read("out"), "a file");
}

TEST_F(ModelFetchTest, TwoFetchesDoNotMixTheirBytes) {
  // The second one begins while the first is half-way.
  absl::Status second;
  FetchOptions options;
  options.progress = [&](int64_t done, int64_t) {
    if (done == 5000) second = Fetch().status();
  };
  ASSERT_TRUE(FetchModel(client, "m@1", folder / "out", options).ok());
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition) << second;
  EXPECT_EQ(folder.Read("out/weights.safetensors"), server->weights);
  EXPECT_TRUE(Fetch().ok());
}

}  // namespace
}  // namespace gradus
