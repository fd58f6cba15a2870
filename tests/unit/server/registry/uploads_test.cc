// SPDX-License-Identifier: Apache-2.0
// Datasets on their way in, over files whose power can be cut and a parser that takes bytes as they
// are.
#include "server/registry/uploads.h"

#include <cstdint>
#include <functional>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/random.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/weights_index.h"
#include "server/store/request_keys.h"
#include "tests/support/power_cut_files.h"
#include "tests/unit/server/registry/registry_fixture.h"

namespace gradus::registry {
namespace {

constexpr int64_t kMaxUpload = 1000;
constexpr size_t kAnyBytes = 1 << 20;

// Each byte is a row, and each line a column where a file has several: "NAME:BYTES". Of a model
// each line is one tensor, "LAYER/NAME:FLOATS", of the layer "dense".
class RowParser final : public Parser {
 public:
  explicit RowParser(base::Files& uploaded) : uploaded_(uploaded) {}

  absl::StatusOr<std::vector<ParsedColumn>> Parse(const std::vector<ParseInput>& inputs,
                                                  int64_t) override {
    std::vector<ParsedColumn> columns;
    for (size_t i = 0; i < inputs.size(); ++i) {
      ASSIGN_OR_RETURN(const std::string text, Read(inputs[i]));
      const bool several = inputs[i].file.format() == v1::UploadFile::NPZ;
      std::string values;
      for (const std::string& line : several ? Lines(text) : std::vector<std::string>{text}) {
        const size_t colon = several ? line.find(':') : std::string::npos;
        ParsedColumn& column = columns.emplace_back();
        column.file = i;
        column.rows = static_cast<int64_t>(line.size() - (several ? colon + 1 : 0));
        column.column.set_dtype("U8");
        if (several) column.column.set_name(line.substr(0, colon));
        values += several ? line.substr(colon + 1) : line;
      }
      RETURN_IF_ERROR(Write(inputs[i], values));
    }
    twist_(columns.front());
    return columns;
  }

  absl::StatusOr<ParsedModel> ParseModel(const ParseInput& input, const v1::ModelSpec& spec,
                                         int64_t) override {
    ASSIGN_OR_RETURN(const std::string text, Read(input));
    ParsedModel model;
    model.spec = spec;
    std::vector<v1::WeightsTensor> tensors;
    std::string values;
    for (const std::string& line : Lines(text)) {
      const size_t colon = line.find(':');
      tensors.emplace_back().set_name(line.substr(0, colon));
      tensors.back().add_shape(static_cast<int64_t>(line.size() - colon - 1) / 4);
      values += line.substr(colon + 1);
    }
    model.weights = formats::CutWeights(tensors);
    if (lie_) model.weights.mutable_pieces(0)->mutable_blob()->set_size(4);
    model.weights_sha256 = std::string(64, 'a');
    RETURN_IF_ERROR(Write(input, values));
    return model;
  }

  void Lie() { lie_ = true; }
  // What it will say else of the first column.
  void Twist(std::function<void(ParsedColumn&)> twist) { twist_ = std::move(twist); }

 private:
  static std::vector<std::string> Lines(const std::string& text) {
    return absl::StrSplit(text, '\n', absl::SkipEmpty());
  }
  absl::StatusOr<std::string> Read(const ParseInput& input) {
    return base::ReadFile(uploaded_, input.input_path, kAnyBytes);
  }
  static absl::Status Write(const ParseInput& input, const std::string& values) {
    ASSIGN_OR_RETURN(const auto output, base::RealFiles().OpenWrite(input.output_path, {}));
    return output->WriteAt(0, base::AsBytes(values));
  }

  bool lie_ = false;
  std::function<void(ParsedColumn&)> twist_ = [](ParsedColumn&) {};
  base::Files& uploaded_;
};

class UploadsTest : public RegistryFixture {
 protected:
  void SetUp() override {
    RegistryFixture::SetUp();
    auto uploads = Uploads::Open({.store = store_.get(),
                                  .blobs = blobs_.get(),
                                  .datasets = datasets_.get(),
                                  .models = models_.get(),
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
  const auto finished = uploads_->Finish(id);
  ASSERT_TRUE(finished.ok()) << finished.status();
  const v1::Dataset& dataset = finished->dataset();
  EXPECT_EQ(dataset.splits(0).rows(), 10);
  EXPECT_EQ(dataset.owner(), "ann");
  EXPECT_TRUE(files_.List("uploads")->empty());
  EXPECT_EQ(uploads_->Finish(id)->dataset().digest(), dataset.digest()) << "a repeated call";
}

// One file of arrays becomes columns of the splits that their names say.
TEST_F(UploadsTest, AFileOfSeveralArraysIsSeveralColumns) {
  const auto finish = [this](const std::string& name, const std::string& bytes,
                             const std::string& split) {
    v1::BeginUploadRequest request = RequestFor(name, bytes);
    request.mutable_files(0)->set_format(v1::UploadFile::NPZ);
    request.mutable_files(0)->set_split(split);
    request.mutable_files(0)->clear_column();
    const auto upload = uploads_->Begin("ann", request);
    EXPECT_TRUE(upload.ok()) << upload.status();
    EXPECT_TRUE(Send(upload->id(), 0, bytes).ok());
    return uploads_->Finish(upload->id());
  };
  const auto named = finish("named", "x_train:abc\ny_train:012\nx_test:z\n", "");
  ASSERT_TRUE(named.ok()) << named.status();
  ASSERT_EQ(named->dataset().splits_size(), 2);
  const v1::Split& train = named->dataset().splits(0);
  EXPECT_EQ(train.name(), "train");
  EXPECT_EQ(train.rows(), 3);
  ASSERT_EQ(train.columns_size(), 2);
  EXPECT_EQ(train.columns(1).name(), "y");
  EXPECT_EQ(train.columns(1).blob().sha256(), base::Sha256Hex(std::string_view("012")));
  EXPECT_EQ(named->dataset().splits(1).columns(0).blob().sha256(),
            base::Sha256Hex(std::string_view("z")));

  const auto split = finish("split", "x:abc\nmask:012\n", "all");
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_EQ(split->dataset().splits(0).columns(1).name(), "mask");

  for (const char* bad : {"pixels:abc\n", "x_train:abc\ny_train:01\n", "x_train:a\nx_train:a\n",
                          "../x_train:a\n", "_train:a\n"}) {
    const absl::Status refused = finish(absl::StrCat("bad", NextRequestId()), bad, "").status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << bad << refused;
    EXPECT_EQ(base::FieldOf(refused), "files[0]");
  }
}

TEST_F(UploadsTest, WhatAParserSaysThatCannotBeIsItsFault) {
  constexpr int64_t kMany = std::numeric_limits<int64_t>::max();
  const std::function<void(ParsedColumn&)> twists[] = {
      [](ParsedColumn& column) { column.file = 1; },
      [](ParsedColumn& column) { column.rows = 0; },
      [](ParsedColumn& column) { column.rows = 3; },
      [](ParsedColumn& column) { column.rows = kMany; },
      [](ParsedColumn& column) { column.column.set_dtype("F16"); },
      [](ParsedColumn& column) { column.column.add_shape(0); },
      [](ParsedColumn& column) {
        for (int i = 0; i < 100; ++i) column.column.add_shape(1);
      },
      [](ParsedColumn& column) { (*column.column.mutable_label_counts())[7] = 5; },
      [](ParsedColumn& column) {
        (*column.column.mutable_label_counts())[0] = kMany;
        (*column.column.mutable_label_counts())[1] = kMany;
      },
  };
  for (const auto& twist : twists) {
    parser_.Twist(twist);
    const std::string id = Begin(NextRequestId(), "0123");
    ASSERT_TRUE(Send(id, 0, "0123").ok());
    const absl::Status status = uploads_->Finish(id).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  }
  EXPECT_EQ(Count("datasets"), 0);
}

TEST_F(UploadsTest, WhatADatasetBecameIsKnownAsLongAsItsRequest) {
  const std::string id = Begin("digits", "0123");
  ASSERT_TRUE(Send(id, 0, "0123").ok());
  ASSERT_TRUE(uploads_->Finish(id).ok());
  clock_.Advance(store::kRequestKeyLifetimeMicros - 1);
  EXPECT_EQ(*uploads_->RemoveAbandoned(), 0);
  EXPECT_TRUE(uploads_->Finish(id).ok());
  clock_.Advance(2);
  EXPECT_EQ(*uploads_->RemoveAbandoned(), 1);
}

class PushedModelsTest : public UploadsTest {
 protected:
  static v1::PushModelRequest RequestOf(const std::string& bytes) {
    v1::PushModelRequest request;
    request.set_name("net");
    request.set_request_id("push");
    *request.mutable_model() = SpecOf({"dense"});
    *request.mutable_file() = RequestFor("any", bytes).files(0);
    request.mutable_file()->set_format(v1::UploadFile::SAFETENSORS);
    request.mutable_file()->clear_split();
    request.mutable_file()->clear_column();
    return request;
  }

  absl::StatusOr<v1::FinishUploadResponse> Push(const std::string& bytes) {
    ASSIGN_OR_RETURN(const v1::Upload upload, uploads_->Begin("ann", RequestOf(bytes)));
    EXPECT_EQ(upload.model(), "net");
    RETURN_IF_ERROR(Send(upload.id(), 0, bytes).status());
    return uploads_->Finish(upload.id());
  }
};

TEST_F(PushedModelsTest, BecomeTheNextVersion) {
  const std::string bytes = "dense/kernel:12345678\ndense/bias:abcd\n";
  const auto pushed = Push(bytes);
  ASSERT_TRUE(pushed.ok()) << pushed.status();
  EXPECT_EQ(pushed->model(), "net@1");
  EXPECT_FALSE(pushed->has_dataset());
  const auto model = models_->Get("net@1");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->owner(), "ann");
  EXPECT_EQ(model->job(), "");
  EXPECT_EQ(model->spec().layers(0).name(), "dense");
  const auto file = models_->Open("net@1");
  ASSERT_TRUE(file.ok()) << file.status();
  const std::vector<float> bias = *file->Values("dense/bias");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bias.data()), 4), "abcd");
  EXPECT_TRUE(files_.List("uploads")->empty());
  // The same request again is the same version; the weights stay where nobody else refers to them.
  const auto upload = uploads_->Begin("ann", RequestOf(bytes));
  ASSERT_TRUE(upload.ok()) << upload.status();
  EXPECT_EQ(upload->committed(0), static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(uploads_->Finish(upload->id())->model(), "net@1");
  Collect();
  EXPECT_TRUE(models_->Open("net@1").ok());
}

TEST_F(PushedModelsTest, NothingIsRegisteredOfAnIndexThatDoesNotFitItsBytes) {
  parser_.Lie();
  const absl::Status refused = Push("dense/kernel:12345678\n").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInternal) << refused;
  EXPECT_EQ(Count("models"), 0);
}

TEST_F(PushedModelsTest, SayAtOnceWhatIsWrong) {
  const auto field = [this](const auto& change) {
    v1::PushModelRequest request = RequestOf("dense/kernel:1234\n");
    change(request);
    const absl::Status refused = uploads_->Begin("ann", request).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    return base::FieldOf(refused).value_or("");
  };
  using Request = v1::PushModelRequest;
  EXPECT_EQ(field([](Request& r) { r.set_name("../net"); }), "name");
  EXPECT_EQ(field([](Request& r) { r.mutable_file()->set_size(kMaxUpload + 1); }), "file.size");
  EXPECT_EQ(field([](Request& r) { r.mutable_file()->set_format(v1::UploadFile::IDX); }),
            "file.format");
  EXPECT_EQ(field([](Request& r) { r.mutable_file()->set_column("x"); }), "file.column");
  EXPECT_EQ(field([](Request& r) { r.clear_model(); }), "model");
  EXPECT_EQ(field([](Request& r) { r.mutable_file()->set_format(v1::UploadFile::ONNX); }), "model");
  EXPECT_EQ(field([](Request& r) { r.mutable_model()->add_base()->set_model("a"); }), "model.base");
  EXPECT_EQ(field([](Request& r) { r.mutable_model()->mutable_layers(0)->set_from("a@1/dense"); }),
            "model.layers[0].from");
  EXPECT_EQ(Count("uploads"), 0);
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
