// SPDX-License-Identifier: Apache-2.0
// What clients send does not grow into memory, threads or lines of the log.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gradus/v1/dataset_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/integration/server/gradusd.h"

namespace gradus::test {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;

// A number of /proc/PID/status, in KiB.
int64_t StatusKiB(pid_t pid, const std::string& key) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(": \t"), absl::SkipEmpty());
    int64_t value = 0;
    if (words.size() > 1 && words[0] == key && absl::SimpleAtoi(words[1], &value)) return value;
  }
  return -1;
}

// A disk that is slower than the line must not make the transport keep what comes meanwhile.
TEST(Limits, AnUploadTakesAlmostNoMemory) {
  constexpr int64_t kBytes = int64_t{320} << 20;
  constexpr int64_t kMayAddKiB = 32 << 10;
  Gradusd server;
  setenv("GRADUS_FAILPOINTS", "registry.upload.synced=sleep:2s@4", 1);
  server.Start();
  unsetenv("GRADUS_FAILPOINTS");
  const auto datasets = v1::DatasetService::NewStub(server.Connect());
  v1::BeginUploadRequest begin;
  begin.set_dataset("large");
  begin.set_request_id("r1");
  v1::UploadFile& file = *begin.add_files();
  file.set_name("large");
  file.set_size(kBytes);
  file.set_sha256(std::string(64, '0'));
  file.set_format(v1::UploadFile::IDX);
  file.set_split("train");
  file.set_column("x");
  v1::BeginUploadResponse begun;
  Context context(server.TokenOf("ann"));
  ASSERT_TRUE(datasets->BeginUpload(&context, begin, &begun).ok());
  const int64_t before = StatusKiB(server.pid(), "VmHWM");

  Context stream_context(server.TokenOf("ann"));
  v1::AppendUploadResponse appended;
  const auto stream = datasets->AppendUpload(&stream_context, &appended);
  v1::AppendUploadRequest piece;
  piece.set_id(begun.upload().id());
  for (int64_t sent = 0; sent < kBytes; sent += static_cast<int64_t>(piece.data().size())) {
    piece.set_data(std::string(512 << 10, 'x'));
    ASSERT_TRUE(stream->Write(piece));
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(appended.committed(), kBytes);
#if !defined(GRADUS_SANITIZED)
  // A sanitizer keeps memory that was given back.
  EXPECT_LT(StatusKiB(server.pid(), "VmHWM") - before, kMayAddKiB);
#else
  static_cast<void>(kMayAddKiB);
  static_cast<void>(before);
#endif
}

// With every default filled in it is larger than a request may be; it must still reach its owner
// and its rank.
TEST(Limits, AJobThatGrowsByItsDefaultsRunsAndIsShown) {
  Gradusd server;
  server.Start();
  v1::JobSpec spec = TinyJob("deep");
  for (int i = 0; i < 7000; ++i) {
    v1::Layer& layer = *spec.mutable_model()->add_layers();
    layer.set_name(absl::StrCat("layer_", i, "_", std::string(100, 'n')));
    layer.mutable_dense()->set_units(2);
    layer.mutable_dense()->mutable_activation()->mutable_softmax();
  }
  constexpr size_t kRequestBytes = 1 << 20;
  ASSERT_LT(spec.ByteSizeLong(), kRequestBytes);
  const std::string id = Submit(server, "ann", "r1", spec);
  const v1::Job job = AwaitState(server, id, {v1::Job::SUCCEEDED, v1::Job::FAILED});
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.reason();
  EXPECT_GT(job.spec().ByteSizeLong(), kRequestBytes);
}

TEST(Limits, BytesThatAreNoTextDoNotReachTheLogAsTheyAre) {
  Gradusd server;
  server.Start();
  Context context(server.TokenOf("ann"));
  v1::GetJobResponse response;
  const grpc::Status refused = server.jobs().GetJob(
      &context, ForJob<v1::GetJobRequest>("\xff\n{\"level\":\"info\"}"), &response);
  EXPECT_EQ(refused.error_code(), StatusCode::INTERNAL) << refused.error_message();
  Context other(server.TokenOf("ann"));
  const grpc::Status unknown = server.jobs().GetJob(
      &other, ForJob<v1::GetJobRequest>("j\n{\"level\":\"info\",\"msg\":\"forged\"}"), &response);
  EXPECT_EQ(unknown.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(server.Stop(), 0);
  const std::string log = server.Log();
  EXPECT_THAT(log, HasSubstr("invalid UTF-8"));
  for (const absl::string_view line : absl::StrSplit(log, '\n', absl::SkipEmpty()))
    EXPECT_TRUE(absl::StartsWith(line, "{\"ts\":")) << line;
}

TEST(Limits, WhatItKeepsIsForItsOwnUserEvenInAFolderThatOthersMayRead) {
  Gradusd server;
  ASSERT_EQ(unlink((server / "gradus.db").c_str()), 0);
  ASSERT_EQ(chmod(server.dir().c_str(), 0755), 0);
  server.Start();
  for (const char* name : {"gradus.db", "gradus.db-wal", "endpoint", "admin.profile"}) {
    struct stat info = {};
    ASSERT_EQ(stat((server / name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0077, 0U) << name;
  }
}

}  // namespace
}  // namespace gradus::test
