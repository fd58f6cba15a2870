// SPDX-License-Identifier: Apache-2.0
// What the parsing process answers, without its sandbox.
#include "server/worker/parse.h"

#include <sys/mman.h>

#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "engine/base/descriptor.h"
#include "engine/base/file_ops.h"
#include "engine/plan/tensor_list.h"
#include "gradus/v1/model.pb.h"
#include "gradus/v1/weights.pb.h"
#include "server/worker/label_counter.h"
#include "tests/support/idx_files.h"

namespace gradus::worker {
namespace {

using ::gradus::test_support::Gzip;
using ::gradus::test_support::IdxFile;
using nlohmann::json;
using ::testing::HasSubstr;

struct File {
  explicit File(const std::string& content = "") : fd(::memfd_create("file", MFD_CLOEXEC)) {
    EXPECT_TRUE(base::WriteFully(fd.get(), 0, base::AsBytes(content), "file").ok());
  }
  std::string Content() const {
    std::string content(1 << 20, '\0');
    const auto count =
        base::ReadFully(fd.get(), 0, std::as_writable_bytes(std::span<char>(content)), "file");
    content.resize(count.ok() ? *count : 0);
    return content;
  }
  base::Descriptor fd;
};

json Parse(const std::vector<std::pair<const File*, const File*>>& files,
           uint64_t max_output = 1 << 20) {
  json request = {{"memory", 1 << 30},
                  {"cpu_seconds", 10},
                  {"max_output", max_output},
                  {"max_answer", 1 << 20},
                  {"files", json::array()}};
  for (const auto& [input, output] : files) {
    request["files"].push_back({{"input", input->fd.get()},
                                {"output", output->fd.get()},
                                {"format", "IDX"},
                                {"labels", true}});
  }
  return json::parse(AnswerParse(request.dump()));
}

TEST(Parse, TurnsPlainAndGzippedFilesIntoColumns) {
  const File x(Gzip(IdxFile(0x08, {3, 2, 2}, "abcdefghijkl"))),
      y(IdxFile(0x08, {3}, std::string("\0\1\0", 3)));
  const File x_out, y_out;
  const json answer = Parse({{&x, &x_out}, {&y, &y_out}});
  EXPECT_EQ(answer["columns"][0]["rows"], 3);
  EXPECT_EQ(answer["columns"][0]["shape"], json::parse("[2,2]"));
  EXPECT_EQ(answer["columns"][0]["dtype"], "U8");
  EXPECT_EQ(answer["columns"][1]["label_counts"], json::parse("[[0,2],[1,1]]"));
  EXPECT_EQ(x_out.Content(), "abcdefghijkl");
  EXPECT_EQ(y_out.Content(), std::string("\0\1\0", 3));
}

TEST(Parse, SaysWhichFileIsCutShort) {
  const std::string whole = Gzip(IdxFile(0x08, {3}, "abc"));
  const File good(whole), cut(whole.substr(0, whole.size() - 5)), out, other;
  const json answer = Parse({{&good, &out}, {&cut, &other}});
  EXPECT_EQ(answer["error"]["file"], 1);
  EXPECT_EQ(answer["error"]["code"], 3);
  EXPECT_THAT(
      answer["error"]["message"].get<std::string>(),
      HasSubstr("gzip data ends early after " + std::to_string(whole.size() - 5) + " bytes"));
}

TEST(Parse, NamesBothSizesWhenTheyDisagree) {
  const File input(IdxFile(0x08, {3, 3}, "abc")), out;
  EXPECT_THAT(Parse({{&input, &out}})["error"]["message"].get<std::string>(),
              HasSubstr("announces 21 bytes, there are 15"));
}

TEST(Parse, RefusesMoreValuesThanAllowedBeforeWritingThem) {
  const File input(IdxFile(0x08, {100}, std::string(100, 'a'))), out, second;
  EXPECT_THAT(Parse({{&input, &out}}, 99)["error"]["message"].get<std::string>(),
              HasSubstr("at most 99"));
  EXPECT_EQ(out.Content(), "");
  // The limit is for all outputs together.
  EXPECT_EQ(Parse({{&input, &out}, {&input, &second}}, 150)["error"]["file"], 1);
}

TEST(Parse, ABombStopsAtTheLimit) {
  const File bomb(Gzip(IdxFile(0x08, {10}, std::string(8 << 20, 'a')))), out;
  const json answer = Parse({{&bomb, &out}}, 1000);
  EXPECT_EQ(answer["error"]["code"], 3);
  EXPECT_LE(out.Content().size(), 10u);
}

TEST(Parse, EmptyFilesAreErrors) {
  const File nothing, out;
  EXPECT_EQ(Parse({{&nothing, &out}})["error"]["code"], 3);
}

std::string TensorsOf(const std::string& header, const std::string& data) {
  std::string file(8, '\0');
  const uint64_t length = header.size();
  std::memcpy(file.data(), &length, sizeof(length));
  return file + header + data;
}

json ParseAs(const std::string& format, const File& input, const File& output,
             const json& model = {}) {
  json request = {{"memory", 1 << 30},
                  {"cpu_seconds", 10},
                  {"max_output", 1 << 20},
                  {"max_answer", 1 << 20},
                  {"files", json::array({{{"input", input.fd.get()},
                                          {"output", output.fd.get()},
                                          {"format", format},
                                          {"labels", true}}})}};
  if (!model.is_null()) request["model"] = model;
  return json::parse(AnswerParse(request.dump()));
}

TEST(Parse, EveryTensorIsAColumnAndLabelsAreCounted) {
  const File input(TensorsOf(R"({"y_train":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},
                                 "x_train":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]}})",
                             std::string("abcd\3\3", 6))),
      output;
  const json columns = ParseAs("SAFETENSORS", input, output)["columns"];
  ASSERT_EQ(columns.size(), 2u);
  EXPECT_EQ(columns[0]["name"], "x_train");
  EXPECT_EQ(columns[0]["file"], 0);
  EXPECT_EQ(columns[0]["shape"], json::parse("[2]"));
  EXPECT_EQ(columns[1]["name"], "y_train");
  EXPECT_EQ(columns[1]["label_counts"], json::parse("[[3,2]]"));
  EXPECT_EQ(output.Content(), std::string("abcd\3\3", 6));
}

TEST(Parse, ATensorWithoutRowsIsNoColumn) {
  const File input(TensorsOf(R"({"x":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})", "abcd")),
      output;
  EXPECT_THAT(ParseAs("SAFETENSORS", input, output)["error"]["message"].get<std::string>(),
              HasSubstr("\"x\" has no rows"));
}

class ParseModel : public ::testing::Test {
 protected:
  ParseModel() {
    spec_.add_input_shape(2);
    v1::Layer& layer = *spec_.add_layers();
    layer.set_name("out");
    layer.mutable_dense()->set_units(1);
  }

  // The weights of "out" in this type, from these bytes.
  json Read(const std::string& dtype, const std::string& kernel_shape, const std::string& more = "",
            int bytes = 4) {
    const std::string kernel_end = std::to_string(2 * bytes), end = std::to_string(3 * bytes);
    const std::string header =
        R"({"out/kernel":{"dtype":")" + dtype + R"(","shape":)" + kernel_shape +
        R"(,"data_offsets":[0,)" + kernel_end + R"(]},"out/bias":{"dtype":")" + dtype +
        R"(","shape":[1],"data_offsets":[)" + kernel_end + "," + end + "]}" + more + "}";
    const File input(TensorsOf(header, data_));
    return ParseAs("SAFETENSORS", input, output_,
                   {{"spec", absl::Base64Escape(spec_.SerializeAsString())}});
  }

  template <typename T>
  void Values(std::initializer_list<T> values) {
    data_.assign(reinterpret_cast<const char*>(values.begin()), values.size() * sizeof(T));
  }

  v1::ModelSpec spec_;
  std::string data_;
  File output_;
};

TEST_F(ParseModel, WeightsComeInTheOrderOfTheModelAsF32) {
  Values<double>({1, 2.5, -3});
  const json model = Read("F64", "[2,1]", "", 8)["model"];
  const std::string content = output_.Content();
  ASSERT_EQ(content.size(), 12u);
  float values[3];
  std::memcpy(values, content.data(), sizeof(values));
  EXPECT_THAT(values, ::testing::ElementsAre(1, 2.5, -3));
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(model["weights"].get<std::string>(), &bytes));
  v1::WeightsIndex index;
  ASSERT_TRUE(index.ParseFromString(bytes));
  ASSERT_EQ(index.pieces_size(), 1);
  EXPECT_EQ(index.pieces(0).blob().size(), 12);
  EXPECT_EQ(index.pieces(0).tensors(0).name(), "out/kernel");
  const plan::NamedTensor kernel{"out/kernel", {2, 1}, {1, 2.5}}, bias{"out/bias", {1}, {-3}};
  EXPECT_EQ(model["weights_sha256"], plan::WeightsSha256(std::vector{kernel, bias}));
  ASSERT_TRUE(absl::Base64Unescape(model["spec"].get<std::string>(), &bytes));
  v1::ModelSpec spec;
  ASSERT_TRUE(spec.ParseFromString(bytes));
  EXPECT_TRUE(spec.layers(0).dense().has_use_bias()) << "defaults are filled in";
}

TEST_F(ParseModel, SaysWhichTensorIsMissingSuperfluousOrOfAnotherShape) {
  Values<float>({1, 2, 3});
  const auto message = [](const json& answer) {
    return answer["error"]["message"].get<std::string>();
  };
  EXPECT_THAT(message(Read("F32", "[1,2]")),
              HasSubstr("\"out/kernel\" has the shape (1, 2), not (2, 1)"));
  EXPECT_THAT(message(Read("F32", "[2,1]",
                           R"(,"out/gamma":{"dtype":"F32","shape":[0],"data_offsets":[12,12]})")),
              HasSubstr("\"out/gamma\" belongs to none"));
  spec_.mutable_layers(0)->mutable_dense()->set_use_bias(false);
  EXPECT_THAT(message(Read("F32", "[2,1]")), HasSubstr("\"out/bias\" belongs to none"));
  spec_.mutable_layers(0)->set_name("other");
  spec_.mutable_layers(0)->mutable_dense()->set_use_bias(true);
  EXPECT_THAT(message(Read("F32", "[2,1]")), HasSubstr("belongs to none"));
  spec_.mutable_layers(0)->set_name("out");
  *spec_.add_layers() = spec_.layers(0);
  spec_.mutable_layers(1)->set_name("second");
  EXPECT_THAT(message(Read("F32", "[2,1]")), HasSubstr("there is no tensor \"second/kernel\""));
  EXPECT_EQ(output_.Content().size() % 4, 0u);
}

TEST(Parse, ARequestThatMakesNoSenseIsAnError) {
  EXPECT_TRUE(json::parse(AnswerParse("{}")).contains("error"));
  EXPECT_TRUE(json::parse(AnswerParse("[")).contains("error"));
}

TEST(LabelCounter, CountsSignedValuesOfEachWidth) {
  const int16_t values[] = {-1, 5, -1};
  LabelCounter counter("I16");
  counter.Count(std::as_bytes(std::span(values)));
  EXPECT_EQ(counter.counts(), (std::map<int64_t, int64_t>{{-1, 2}, {5, 1}}));
  const int8_t bytes[] = {-128, 127};
  LabelCounter small("I8");
  small.Count(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(small.counts(), (std::map<int64_t, int64_t>{{-128, 1}, {127, 1}}));
}

TEST(LabelCounter, GivesUpOnFractionsAndOnTooManyValues) {
  std::vector<int32_t> values(kMaxLabels + 1);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i);
  LabelCounter most("I32"), many("I32"), fractions("F32");
  most.Count(std::as_bytes(std::span(values).first(kMaxLabels)));
  EXPECT_EQ(most.counts().size(), kMaxLabels);
  many.Count(std::as_bytes(std::span(values)));
  many.Count(std::as_bytes(std::span(values).first(1)));
  EXPECT_TRUE(many.counts().empty());
  fractions.Count(std::as_bytes(std::span(values)));
  EXPECT_TRUE(fractions.counts().empty());
}

}  // namespace
}  // namespace gradus::worker
