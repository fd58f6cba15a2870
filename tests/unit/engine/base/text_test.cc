// SPDX-License-Identifier: Apache-2.0
// Digests, hexadecimal text, random identifiers and near words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "engine/base/edit_distance.h"
#include "engine/base/hex.h"
#include "engine/base/random.h"
#include "engine/base/sha256.h"

namespace gradus::base {
namespace {

TEST(Sha256, GivesTheStandardsKnownAnswers) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, PiecesHashAsTheWholeAndFinishStartsAnew) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("");
  hash.Update("bc");
  EXPECT_EQ(ToHex(hash.Finish()), Sha256Hex("abc"));
  EXPECT_EQ(ToHex(hash.Finish()), Sha256Hex(""));
}

TEST(Sha256, ADigestHasOneSpelling) {
  const std::string hex = Sha256Hex("abc");
  EXPECT_EQ(ToHex(*ParseSha256(hex)), hex);
  std::string upper = hex;
  upper[0] = 'B';
  EXPECT_FALSE(ParseSha256(upper).ok());
  EXPECT_FALSE(ParseSha256(hex.substr(1)).ok());
  EXPECT_FALSE(ParseSha256(hex + "00").ok());
  EXPECT_FALSE(ParseSha256("../" + hex.substr(3)).ok());
}

TEST(ConstantTimeEqual, ComparesBytes) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abcd"));
}

TEST(Hex, ReadsBackWhatItWrites) {
  const std::vector<std::byte> bytes = {std::byte{0}, std::byte{0x7f}, std::byte{0xff}};
  EXPECT_EQ(HexEncode(bytes), "007fff");
  EXPECT_EQ(*HexDecode("007FfF"), bytes);
  EXPECT_FALSE(HexDecode("0").ok());
  EXPECT_FALSE(HexDecode("0g").ok());
}

TEST(Random, SystemBytesDoNotRepeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(RandomHex(SystemRandom(), 16));
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_EQ(seen.begin()->size(), 32U);
}

TEST(Random, Base32UsesItsAlphabetAlone) {
  const std::string text = RandomBase32(SystemRandom(), 5000);
  EXPECT_EQ(text.size(), 5000U);
  EXPECT_EQ(text.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz"), std::string::npos);
  EXPECT_EQ(std::set<char>(text.begin(), text.end()).size(), 32U);
}

TEST(EditDistance, CountsTheFewestEdits) {
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
  EXPECT_EQ(EditDistance("untis", "units"), 1U) << "neighbours swapped are one edit";
  EXPECT_EQ(EditDistance("same", "same"), 0U);
}

TEST(NearestWord, FindsWhatWasMeantOrNothing) {
  const std::vector<std::string> words = {"units", "activation", "use_bias", "kernel_initializer"};
  EXPECT_EQ(NearestWord("unit", words), "units");
  EXPECT_EQ(NearestWord("kernel_initialiser", words), "kernel_initializer");
  EXPECT_EQ(NearestWord("dropout", words), std::nullopt);
  EXPECT_EQ(NearestWord("", words), std::nullopt);
  EXPECT_EQ(NearestWord(std::string(1000000, 'u'), words), std::nullopt);
  EXPECT_EQ(DidYouMean("unit", words), "; did you mean \"units\"?");
  EXPECT_EQ(DidYouMean("dropout", words), "");
}

}  // namespace
}  // namespace gradus::base
