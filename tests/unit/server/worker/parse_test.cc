// SPDX-License-Identifier: Apache-2.0
// What the parsing process answers, without its sandbox.
#include "server/worker/parse.h"

#include <sys/mman.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/descriptor.h"
#include "engine/base/file_ops.h"
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
  EXPECT_EQ(answer["error"]["code"], 8);
  EXPECT_LE(out.Content().size(), 10u);
}

TEST(Parse, EmptyFilesAreErrors) {
  const File nothing, out;
  EXPECT_EQ(Parse({{&nothing, &out}})["error"]["code"], 3);
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
