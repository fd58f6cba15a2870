// SPDX-License-Identifier: Apache-2.0
// Datasets on their way in, over files whose power can be cut and a parser that takes bytes as they
// are.
#include "server/registry/uploads.h"

#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/base/random.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "tests/support/power_cut_files.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

constexpr int64_t kMaxUpload = 1000;
constexpr size_t kAnyBytes = 1 << 20;

// Each byte is a row.
class RowParser final : public Parser {
 public:
  explicit RowParser(base::Files& uploaded) : uploaded_(uploaded) {}

  absl::StatusOr<std::vector<ParsedColumn>> Parse(const std::vector<ParseInput>& inputs,
                                                  int64_t) override {
    std::vector<ParsedColumn> columns;
    for (const ParseInput& input : inputs) {
      ASSIGN_OR_RETURN(const std::string text,
                       base::ReadFile(uploaded_, input.input_path, kAnyBytes));
      ASSIGN_OR_RETURN(const auto output, base::RealFiles().OpenWrite(input.output_path, {}));
      RETURN_IF_ERROR(output->WriteAt(0, base::AsBytes(text)));
      ParsedColumn& column = columns.emplace_back();
      column.rows = static_cast<int64_t>(text.size());
      column.column.set_dtype("U8");
    }
    return columns;
  }

 private:
  base::Files& uploaded_;
};

class UploadsTest : public RegistryFixture {
 protected:
  void SetUp() override {
    RegistryFixture::SetUp();
    auto uploads = Uploads::Open({.store = store_.get(),
                                  .blobs = blobs_.get(),
                                  .datasets = datasets_.get(),
                                  .parser = &parser_,
                                  .files = &files_,
                                  .clock = &clock_,
                                  .random = &base::SystemRandom()},
                                 {.dir = "uploads", .max_upload = kMaxUpload});
    ASSERT_TRUE(uploads.ok()) << uploads.status();
    uploads_ = *std::move(uploads);
  }

  static v1::BeginUploadRequest RequestFor(const std::string& dataset, const std::string& bytes) {
    v1::BeginUploadRequest request;
    request.set_dataset(dataset);
    request.set_request_id(dataset);
    v1::UploadFile& file = *request.add_files();
    file.set_name("../../etc/passwd");  // is for messages, never a path
    file.set_size(static_cast<int64_t>(bytes.size()));
    file.set_sha256(base::Sha256Hex(std::string_view(bytes)));
    file.set_format(v1::UploadFile::IDX);
    file.set_split("train");
    file.set_column("x");
    return request;
  }

  std::string Begin(const std::string& dataset, const std::string& bytes,
                    const std::string& user = "ann") {
    const auto upload = uploads_->Begin(user, RequestFor(dataset, bytes));
    EXPECT_TRUE(upload.ok()) << upload.status();
    return upload.ok() ? upload->id() : "";
  }

  // One stream from `offset` to its end.
  absl::StatusOr<int64_t> Send(const std::string& id, int64_t offset, const std::string& bytes) {
    ASSIGN_OR_RETURN(const auto appender, uploads_->Append(id, 0, offset));
    RETURN_IF_ERROR(appender->Append(base::AsBytes(bytes)));
    return appender->Commit();
  }

  static std::string PartOf(const std::string& id) {
    return absl::StrCat("uploads/", id, "-0.part");
  }

  test_support::PowerCutFiles files_;
  RowParser parser_{files_};
  std::unique_ptr<Uploads> uploads_;
};

TEST_F(UploadsTest, OneThatIsTooLargeIsRefusedBeforeAnythingIsStored) {
  for (const int64_t size : {kMaxUpload + 1, std::numeric_limits<int64_t>::max()}) {
    v1::BeginUploadRequest request = RequestFor("digits", "pixels");
    request.mutable_files(0)->set_size(size);
    const absl::Status refused = uploads_->Begin("ann", request).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_EQ(base::FieldOf(refused), "files[0].size");
  }
  v1::BeginUploadRequest together = RequestFor("digits", "pixels");
  *together.add_files() = together.files(0);
  together.mutable_files(0)->set_size(kMaxUpload);
  together.mutable_files(1)->set_column("y");
  EXPECT_EQ(base::FieldOf(uploads_->Begin("ann", together).status()), "files[1].size");
  EXPECT_EQ(Count("uploads"), 0);
  EXPECT_TRUE(files_.List("uploads")->empty());
}

TEST_F(UploadsTest, AStreamGoesOnWhereTheOneBeforeWasCommitted) {
  const std::string id = Begin("digits", "0123456789");
  EXPECT_EQ(*Send(id, 0, "0123"), 4);
  for (const int64_t offset : {0, 3, 5, -1}) {
    const absl::Status wrong = Send(id, offset, "x").status();
    EXPECT_TRUE(absl::IsOutOfRange(wrong)) << wrong;
  }
  EXPECT_EQ(*Send(id, 4, "456789"), 10);
  const auto dataset = uploads_->Finish(id);
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_EQ(dataset->splits(0).rows(), 10);
  EXPECT_EQ(dataset->owner(), "ann");
  EXPECT_TRUE(files_.List("uploads")->empty());
  EXPECT_EQ(uploads_->Finish(id)->digest(), dataset->digest()) << "a repeated call";
}

TEST_F(UploadsTest, MoreThanWasAnnouncedIsNotTaken) {
  const std::string id = Begin("digits", "0123");
  EXPECT_TRUE(absl::IsOutOfRange(Send(id, 0, "01234").status()));
  EXPECT_EQ(uploads_->Get(id)->committed(0), 0);
}

TEST_F(UploadsTest, ANewerStreamTakesTheFileOver) {
  const std::string id = Begin("digits", "0123456789");
  const auto older = uploads_->Append(id, 0, 0);
  ASSERT_TRUE(older.ok());
  ASSERT_TRUE((*older)->Append(base::AsBytes("old")).ok());
  EXPECT_EQ(*Send(id, 0, "01"), 2);
  EXPECT_TRUE(absl::IsAborted((*older)->Append(base::AsBytes("old"))));
  EXPECT_TRUE(absl::IsAborted((*older)->Commit().status()));
  EXPECT_EQ(*Send(id, 2, "23456789"), 10);
  EXPECT_TRUE(uploads_->Finish(id).ok());
}

TEST_F(UploadsTest, OtherBytesThanAnnouncedEndTheUpload) {
  const std::string id = Begin("digits", "0123");
  ASSERT_TRUE(Send(id, 0, "0124").ok());
  const absl::Status refused = uploads_->Finish(id).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_EQ(base::FieldOf(refused), "files[0]");
  EXPECT_EQ(uploads_->Finish(id).status(), refused) << "a repeated call";
  EXPECT_TRUE(absl::IsNotFound(uploads_->Get(id).status()));
  EXPECT_TRUE(absl::IsNotFound(Send(id, 0, "0123").status()));
  EXPECT_TRUE(files_.List("uploads")->empty());
}

TEST_F(UploadsTest, WhatIsMissingCanStillCome) {
  const std::string id = Begin("digits", "0123");
  ASSERT_TRUE(Send(id, 0, "01").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(uploads_->Finish(id).status()));
  ASSERT_TRUE(Send(id, 2, "23").ok());
  EXPECT_TRUE(uploads_->Finish(id).ok());
}

// What was committed is there after a power cut, also where an earlier process had made the file
// and ended before it made its name durable.
TEST_F(UploadsTest, WhatWasCommittedOutlivesAPowerCut) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const std::string id = Begin(absl::StrCat("digits", seed), "0123456789");
    ASSERT_TRUE(files_.OpenWrite(PartOf(id), {.create = true}).ok());
    ASSERT_EQ(*Send(id, 0, "0123"), 4);
    const auto broken = uploads_->Append(id, 0, 4);
    ASSERT_TRUE(broken.ok());
    ASSERT_TRUE((*broken)->Append(base::AsBytes("lost")).ok());
    files_.PowerCut(seed);
    const auto rest = Send(id, 4, "456789");
    ASSERT_TRUE(rest.ok()) << "seed " << seed << ": " << rest.status();
    ASSERT_TRUE(uploads_->Finish(id).ok()) << seed;
  }
}

TEST_F(UploadsTest, AbandonedOnesAreRemovedHoweverMany) {
  constexpr int kMany = 250;
  for (int i = 0; i < kMany; ++i) {
    const std::string id = Begin(absl::StrCat("d", i), "01", absl::StrCat("user", i));
    if (i % 50 == 0) {
      ASSERT_TRUE(Send(id, 0, "0").ok());
    }
  }
  clock_.Advance(int64_t{86'400} * 1'000'000 + 1);
  const std::string young = Begin("young", "0123");
  EXPECT_EQ(*uploads_->RemoveAbandoned(), kMany);
  EXPECT_EQ(Count("uploads"), 1);
  EXPECT_TRUE(uploads_->Get(young).ok());
}

TEST_F(UploadsTest, NamesThatArePathsAreRefused) {
  for (const char* name : {"../digits", "a/b", ".hidden", "", "a\nb", "caf\xc3\xa9", "a b"}) {
    v1::BeginUploadRequest request = RequestFor("digits", "0123");
    request.set_dataset(name);
    EXPECT_EQ(base::FieldOf(uploads_->Begin("ann", request).status()), "dataset") << name;
    request = RequestFor("digits", "0123");
    request.mutable_files(0)->set_split(name);
    EXPECT_EQ(base::FieldOf(uploads_->Begin("ann", request).status()), "files[0].split") << name;
  }
}

}  // namespace
}  // namespace gradus::registry
