// SPDX-License-Identifier: Apache-2.0
#include "gradus/data_push.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

using testing::FakeConnection;
using ::testing::HasSubstr;

class DataPushTest : public ::testing::Test {
 protected:
  DataPushTest() {
    files = {{folder.Write("images", std::string(100'000, 'i')), "train", "x"},
             {folder.Write("labels", std::string(5000, 'l')), "train", "y"}};
    options.chunk = 1000;
  }
  absl::StatusOr<v1::Dataset> Push() { return PushDataset(client, "d", files, options); }
  const std::vector<std::string>& Uploaded() { return server->uploaded.begin()->second; }

  testing::Folder folder;
  std::shared_ptr<FakeConnection> server = std::make_shared<FakeConnection>();
  Client client{server, testing::Impatient()};
  std::vector<PushFile> files;
  PushOptions options;
};

TEST_F(DataPushTest, SendsEachFileWhole) {
  int64_t last = 0;
  options.progress = [&](const PushProgress& progress) {
    if (progress.phase != PushProgress::Phase::kSending) return;
    EXPECT_GT(progress.done, last);
    last = progress.done;
  };
  const auto dataset = Push();
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(Uploaded()[0], std::string(100'000, 'i'));
  EXPECT_EQ(Uploaded()[1], std::string(5000, 'l'));
  EXPECT_EQ(last, 105'000);
}

TEST_F(DataPushTest, AnOddChunkIsTakenForTheNearestGoodOne) {
  files = {{folder.Write("small", "ab"), "train", "x"}};
  for (const int64_t chunk : {int64_t{0}, int64_t{-7}, int64_t{1} << 40}) {
    options.chunk = chunk;
    EXPECT_TRUE(PushDataset(client, std::to_string(chunk), files, options).ok()) << chunk;
  }
}

TEST_F(DataPushTest, ABrokenStreamGoesOnAtTheCommittedByte) {
  server->upload_breaks = {1500, 1, 40'000};
  ASSERT_TRUE(Push().ok());
  EXPECT_EQ(Uploaded()[0], std::string(100'000, 'i'));
  EXPECT_EQ(server->bytes_received, 105'000);
}

// A stream may take longer than a call's deadline before it breaks.
TEST_F(DataPushTest, ABreakAfterTheDeadlineIsNoReasonToStopWhileBytesArrive) {
  server->upload_breaks = {20'000, 20'000, 20'000};
  RetryOptions hasty = testing::Impatient();
  hasty.deadline = absl::Nanoseconds(1);
  const auto dataset = PushDataset(Client(server, hasty), "d", files, options);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(server->bytes_received, 105'000);
}

TEST_F(DataPushTest, ASecondCallGoesOnWhereTheFirstWasBroken) {
  std::stop_source stop;
  options.progress = [&](const PushProgress& progress) {
    if (progress.phase == PushProgress::Phase::kSending && progress.done > 50'000)
      stop.request_stop();
  };
  EXPECT_EQ(PushDataset(client.WithStop(stop.get_token()), "d", files, options).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_LT(server->bytes_received, 60'000);
  options.progress = nullptr;
  ASSERT_TRUE(Push().ok());
  EXPECT_EQ(server->bytes_received, 105'000);
}

TEST_F(DataPushTest, TheSameFilesMayComeAgainAfterARemoval) {
  ASSERT_TRUE(Push().ok());
  ASSERT_TRUE(client.RemoveDataset("d").ok());
  const auto again = Push();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(server->datasets.count("d"), 1u);
}

TEST_F(DataPushTest, AnAnswerOfThePastIsNotTakenForAnothersDataset) {
  // Pushed, removed, and pushed again while somebody else gives the name to other data.
  ASSERT_TRUE(Push().ok());
  ASSERT_TRUE(client.RemoveDataset("d").ok());
  options.progress = [&](const PushProgress& progress) {
    if (progress.phase == PushProgress::Phase::kParsing) server->datasets["d"].set_digest("other");
  };
  EXPECT_EQ(Push().status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(server->datasets["d"].digest(), "other");
}

TEST_F(DataPushTest, AServerThatGoesAwayWhileItParsesIsToldOfAsSoonAsEver) {
  RetryOptions retry = testing::Impatient();
  retry.deadline = absl::Milliseconds(20);
  options.progress = [&](const PushProgress& progress) {
    if (progress.phase == PushProgress::Phase::kParsing)
      server->faults = std::deque<absl::Status>(1'000'000, absl::UnavailableError("away"));
  };
  EXPECT_EQ(PushDataset(Client(server, retry), "d", files, options).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_LT(server->faults.size(), 1'000'000u);  // it tried
}

TEST_F(DataPushTest, ANameThatIsNoTextIsNotSent) {
  EXPECT_EQ(PushDataset(client, "d\xff", files, options).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(server->calls, 0);
}

TEST_F(DataPushTest, ATakenNameCostsNoUpload) {
  server->datasets["d"];
  EXPECT_EQ(Push().status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(server->bytes_received, 0);
}

TEST_F(DataPushTest, LostRepliesDoNoHarm) {
  server->lost_replies = true;
  server->faults = {absl::UnavailableError("x"), absl::NotFoundError("none"),
                    absl::UnavailableError("x")};
  ASSERT_TRUE(Push().ok());
  EXPECT_EQ(server->uploads.size(), 1u);
}

TEST_F(DataPushTest, AnEmptyOrMissingFileIsRefusedBeforeAnythingIsSent) {
  files[1].path = folder.Write("empty", "");
  EXPECT_THAT(std::string(Push().status().message()), HasSubstr("empty"));
  files[1].path = folder / "none";
  EXPECT_EQ(Push().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(server->calls, 0);
}

TEST_F(DataPushTest, FindsTheFourFilesOfAFolder) {
  for (const char* name : {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte",
                           "t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte.gz"}) {
    folder.Write(name, "x");
  }
  const auto found = FindIdxFiles(folder / "");
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 4u);
  EXPECT_EQ((*found)[2].split, "test");
  EXPECT_EQ((*found)[3].column, "y");
}

TEST_F(DataPushTest, NamesTheFileThatIsMissing) {
  EXPECT_THAT(std::string(FindIdxFiles(folder / "").status().message()),
              HasSubstr("train-images-idx3-ubyte.gz"));
}

}  // namespace
}  // namespace gradus
