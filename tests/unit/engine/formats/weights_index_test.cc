// SPDX-License-Identifier: Apache-2.0
#include "engine/formats/weights_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <span>
#include <string>

namespace gradus::formats {
namespace {

using ::testing::HasSubstr;

v1::WeightsIndex Index() {
  v1::WeightsIndex index;
  index.set_format(kWeightsIndexFormat);
  v1::WeightsPiece& piece = *index.add_pieces();
  piece.mutable_blob()->set_sha256(std::string(64, 'a'));
  piece.mutable_blob()->set_size(4 * (6 + 3));
  piece.add_tensors()->set_name("dense/kernel");
  piece.mutable_tensors(0)->add_shape(2);
  piece.mutable_tensors(0)->add_shape(3);
  piece.add_tensors()->set_name("dense/bias");
  piece.mutable_tensors(1)->add_shape(3);
  return index;
}

absl::StatusOr<v1::WeightsIndex> Parse(const std::string& bytes) {
  return ParseWeightsIndex(std::as_bytes(std::span(bytes)));
}

TEST(WeightsIndex, GivesBackWhatWasWritten) {
  const auto parsed = Parse(Index().SerializeAsString());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->SerializeAsString(), Index().SerializeAsString());
  EXPECT_EQ(TensorBytes(parsed->pieces(0).tensors(0)), 24U);
  EXPECT_EQ(LayerOfTensor("dense/kernel"), "dense");
}

TEST(WeightsIndex, RefusesWhatCannotBe) {
  const struct {
    const char* what;
    std::function<void(v1::WeightsIndex&)> damage;
    const char* error;
  } cases[] = {
      {"format", [](v1::WeightsIndex& i) { i.set_format(2); }, "format 2"},
      {"digest",
       [](v1::WeightsIndex& i) { i.mutable_pieces(0)->mutable_blob()->set_sha256("../x"); },
       "digest"},
      {"size", [](v1::WeightsIndex& i) { i.mutable_pieces(0)->mutable_blob()->set_size(40); },
       "as long as"},
      {"no tensors", [](v1::WeightsIndex& i) { i.mutable_pieces(0)->clear_tensors(); },
       "no tensors"},
      {"no name",
       [](v1::WeightsIndex& i) { i.mutable_pieces(0)->mutable_tensors(0)->clear_name(); }, "name"},
      {"a name twice",
       [](v1::WeightsIndex& i) {
         i.mutable_pieces(0)->mutable_tensors(1)->set_name("dense/kernel");
       },
       "second tensor"},
      {"negative",
       [](v1::WeightsIndex& i) { i.mutable_pieces(0)->mutable_tensors(1)->set_shape(0, -3); },
       "out of range"},
      {"overflow",
       [](v1::WeightsIndex& i) {
         for (int k = 0; k < 4; ++k)
           i.mutable_pieces(0)->mutable_tensors(0)->add_shape(std::numeric_limits<int64_t>::max() /
                                                              2);
       },
       "out of range"},
      {"rank",
       [](v1::WeightsIndex& i) {
         for (int k = 0; k < 9; ++k) i.mutable_pieces(0)->mutable_tensors(0)->add_shape(1);
       },
       "too many entries"},
      {"pieces",
       [](v1::WeightsIndex& i) {
         for (int k = 0; k < kMaxWeightsPieces; ++k) *i.add_pieces() = i.pieces(0);
       },
       "too many pieces"},
  };
  for (const auto& c : cases) {
    v1::WeightsIndex index = Index();
    c.damage(index);
    const absl::Status status = Parse(index.SerializeAsString()).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.what << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.error)) << c.what;
  }
  for (const std::string& bytes : {std::string(), std::string("nothing of the kind")})
    EXPECT_TRUE(absl::IsInvalidArgument(Parse(bytes).status()));
}

// Each prefix of the bytes, and each byte turned over: an error or an index that is sound, never a
// crash.
TEST(WeightsIndex, SurvivesDamage) {
  const std::string whole = Index().SerializeAsString();
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(Parse(whole.substr(0, i)).ok()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const auto parsed = Parse(damaged);
      // A turned tag makes a piece one unknown field.
      if (parsed.ok() && parsed->pieces_size() > 0) {
        EXPECT_EQ(parsed->pieces(0).blob().size(), 36);
      }
    }
  }
}

}  // namespace
}  // namespace gradus::formats
