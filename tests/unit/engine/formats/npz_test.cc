// SPDX-License-Identifier: Apache-2.0
// Archives that are whole are read; of those that are not, nothing is believed. numpy_test.py has
// NumPy itself write files.
#include "engine/formats/npz.h"

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/support/zip_files.h"

namespace gradus::formats {
namespace {

using test_support::DeflatedPart;
using test_support::StoredPart;
using test_support::ZipArchive;
using test_support::ZipPart;
using test_support::ZipWords;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr uint64_t kLimit = 1 << 20;

std::string Npy(const std::string& values) {
  const std::string text =
      absl::StrCat("{'descr': '|u1', 'fortran_order': False, 'shape': (", values.size(), ",), }\n");
  return absl::StrCat("\x93NUMPY\x01", std::string(1, '\0'),
                      std::string(1, static_cast<char>(text.size())), std::string(1, '\0'), text,
                      values);
}

struct Result {
  absl::Status status;
  std::map<std::string, std::string> arrays;
  size_t passed = 0;
};

Result ReadAll(const std::string& file, uint64_t max_output = kLimit) {
  Result result;
  const auto source = [&](uint64_t offset, std::span<std::byte> dst) -> absl::StatusOr<size_t> {
    EXPECT_LE(dst.size(), 64u << 10);
    EXPECT_LE(offset, file.size());
    if (offset > file.size()) return size_t{0};
    const size_t count = std::min(dst.size(), file.size() - offset);
    if (count > 0) std::memcpy(dst.data(), file.data() + offset, count);
    return count;
  };
  const auto reader = NpzReader::Open(source, file.size(), max_output);
  result.status = reader.status();
  if (!reader.ok()) return result;
  for (const NpzArray& array : reader->arrays()) {
    std::string& values = result.arrays[array.name];
    result.status = reader->Read(
        array, [](const NpyHeader&) { return absl::OkStatus(); },
        [&](std::span<const std::byte> bytes) {
          values.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
          result.passed += bytes.size();
          return absl::OkStatus();
        });
    if (!result.status.ok()) return result;
  }
  return result;
}

std::string RefusalOf(const std::string& file) {
  const absl::Status status = ReadAll(file).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

std::string RefusalOf(const ZipPart& part) { return RefusalOf(ZipArchive({part})); }

std::string RefusalOf(ZipPart part, void (*change)(ZipWords& words)) {
  test_support::SetBoth(part, change);
  return RefusalOf(part);
}

ZipPart X() { return StoredPart("x.npy", Npy("abc")); }

TEST(Npz, ReadsStoredAndDeflatedMembers) {
  const std::string much(300'000, 'z');
  const Result result = ReadAll(ZipArchive(
      {X(), DeflatedPart("y.npy", Npy("defg")), DeflatedPart("a.b-c_1.npy", Npy(much))}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_THAT(result.arrays,
              UnorderedElementsAre(Pair("x", "abc"), Pair("y", "defg"), Pair("a.b-c_1", much)));
}

TEST(Npz, ReadsDeflatedDataThatFillBuffersExactly) {
  const size_t header = Npy(std::string(65'000, 'a')).size() - 65'000;
  for (const size_t whole : {64 << 10, 128 << 10}) {
    const std::string values(whole - header - (whole > 100'000 ? 1 : 0), 'a');
    const std::string npy = Npy(values);
    ASSERT_EQ(npy.size(), whole);
    const Result result = ReadAll(ZipArchive({DeflatedPart("x.npy", npy)}));
    EXPECT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.arrays.at("x"), values);
  }
}

TEST(Npz, ReadsSizesThatStandBehindTheData) {
  ZipPart part = DeflatedPart("x.npy", Npy("abc"));
  part.local.flags = part.entry.flags = 8;
  part.local.crc = part.local.stored_size = part.local.size = 0;
  part.behind = std::string(16, 'd');
  const Result result = ReadAll(ZipArchive({part, StoredPart("y.npy", Npy("d"))}));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_THAT(result.arrays, UnorderedElementsAre(Pair("x", "abc"), Pair("y", "d")));
  // Only where the flag says so.
  part.local.flags = part.entry.flags = 0;
  EXPECT_THAT(RefusalOf(part), HasSubstr("described in two ways"));
}

TEST(Npz, RefusesMembersThatShareBytes) {
  // Two entries for one member.
  const ZipPart x = X();
  ZipPart same = StoredPart("y.npy", Npy("abc"));
  same.offset = 0;
  const std::string locals = test_support::ZipLocals({x});
  const std::string entries = test_support::ZipEntries({x, same});
  EXPECT_THAT(RefusalOf(locals + entries +
                        test_support::ZipEndRecord(2, static_cast<uint32_t>(entries.size()),
                                                   static_cast<uint32_t>(locals.size()))),
              HasSubstr("overlaps"));
}

TEST(Npz, RefusesMembersWithinMembers) {
  // As in Fifield's bomb: the data of the first have the second's header and data in them.
  const ZipPart inner = StoredPart("y.npy", Npy("abc"));
  const std::string quoted = test_support::ZipLocals({inner});
  const ZipPart outer = StoredPart("x.npy", quoted);
  ZipPart named = inner;
  const std::string locals = test_support::ZipLocals({outer});
  named.offset = static_cast<uint32_t>(locals.size() - quoted.size());
  const std::string entries = test_support::ZipEntries({outer, named});
  EXPECT_THAT(RefusalOf(locals + entries +
                        test_support::ZipEndRecord(2, static_cast<uint32_t>(entries.size()),
                                                   static_cast<uint32_t>(locals.size()))),
              HasSubstr("\"x.npy\" overlaps"));
}

TEST(Npz, RefusesAMemberThatReachesIntoTheDirectory) {
  EXPECT_THAT(RefusalOf(X(), [](ZipWords& words) { words.stored_size = words.size += 10; }),
              HasSubstr("overlaps"));
  ZipPart far = X();
  far.offset = 0xfffffff0;
  EXPECT_THAT(RefusalOf(far), HasSubstr("overlaps"));
  ZipPart farther = StoredPart("y.npy", Npy("abc"));
  far.offset = 0x7ffffff0;
  farther.offset = 0xfffffff0;
  EXPECT_THAT(RefusalOf(ZipArchive({far, farther})), HasSubstr("\"x.npy\" overlaps"));
}

TEST(Npz, PassesNoMoreOnThanAMemberAnnounces) {
  const std::string npy = Npy(std::string(500'000, '\0'));
  ZipPart part = DeflatedPart("x.npy", npy);
  test_support::SetBoth(part, [](ZipWords& words) { words.size = 1000; });
  const Result result = ReadAll(ZipArchive({part}));
  EXPECT_THAT(result.status.message(), HasSubstr("more than the announced 1000 bytes"));
  EXPECT_LE(result.passed, 1000u);
}

TEST(Npz, RefusesSizesThatDeflatedDataCannotHave) {
  EXPECT_THAT(RefusalOf(DeflatedPart("x.npy", Npy("abc")),
                        [](ZipWords& words) { words.size = (words.stored_size + 1) * 1032; }),
              HasSubstr("cannot have"));
  // Zeros come near to it.
  const Result result =
      ReadAll(ZipArchive({DeflatedPart("x.npy", Npy(std::string(900'000, '\0')))}));
  EXPECT_TRUE(result.status.ok()) << result.status;
}

TEST(Npz, RefusesMoreThanTheLimitBeforeItReadsAnything) {
  const std::string file = ZipArchive({X(), StoredPart("y.npy", Npy("abc"))});
  const uint64_t size = 2 * Npy("abc").size();
  EXPECT_TRUE(ReadAll(file, size).status.ok());
  const Result result = ReadAll(file, size - 1);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(result.passed, 0u);
}

TEST(Npz, FindsDamagedData) {
  EXPECT_THAT(RefusalOf(X(), [](ZipWords& words) { words.crc ^= 1; }), HasSubstr("CRC-32"));
  ZipPart cut = DeflatedPart("x.npy", Npy("abc"));
  cut.stored.pop_back();
  cut.stored.pop_back();
  test_support::SetBoth(cut, [](ZipWords& words) { words.stored_size -= 2; });
  EXPECT_THAT(RefusalOf(cut), HasSubstr("end early"));
  ZipPart more = DeflatedPart("x.npy", Npy("abc"));
  more.stored += "more";
  test_support::SetBoth(more, [](ZipWords& words) { words.stored_size += 4; });
  EXPECT_THAT(RefusalOf(more), HasSubstr("behind their end"));
  ZipPart less = DeflatedPart("x.npy", Npy("abc"));
  test_support::SetBoth(less, [](ZipWords& words) { words.size += 1; });
  EXPECT_THAT(RefusalOf(less), HasSubstr("of the announced"));
  ZipPart damaged = DeflatedPart("x.npy", Npy("abc"));
  damaged.stored[0] = '\xff';
  EXPECT_THAT(RefusalOf(damaged), HasSubstr("array \"x\": deflated data are damaged"));
}

TEST(Npz, NamesTheArrayWhoseNpyIsWrong) {
  EXPECT_THAT(RefusalOf(StoredPart("x.npy", "no npy")), HasSubstr("array \"x\": npy: does not"));
  EXPECT_THAT(RefusalOf(StoredPart("x.npy", Npy("abc") + "d")), HasSubstr("announces"));
}

TEST(Npz, RefusesNamesThatAreNoArraysNames) {
  for (const char* name : {"../x.npy", "/x.npy", "a/x.npy", ".npy", "..npy", "x.txt", "x", "",
                           "x.npy/", "x y.npy", "x\\y.npy", "x.NPY"}) {
    EXPECT_THAT(RefusalOf(StoredPart(name, Npy("abc"))), HasSubstr("is no NAME.npy")) << name;
  }
  EXPECT_THAT(RefusalOf(StoredPart(std::string(129, 'x') + ".npy", Npy("abc"))),
              HasSubstr("is no NAME.npy"));
  EXPECT_THAT(RefusalOf(StoredPart(std::string(60'000, 'x') + ".npy", Npy("abc"))),
              HasSubstr("a name of 60004 bytes"));
  EXPECT_THAT(RefusalOf(ZipArchive({X(), X()})), HasSubstr("twice"));
}

TEST(Npz, RefusesWhatNumPyDoesNotWrite) {
  EXPECT_THAT(RefusalOf(X(), [](ZipWords& words) { words.flags = 1; }), HasSubstr("encrypted"));
  EXPECT_THAT(RefusalOf(X(), [](ZipWords& words) { words.flags = 1 << 13; }), HasSubstr("flags"));
  EXPECT_THAT(RefusalOf(X(), [](ZipWords& words) { words.method = 12; }), HasSubstr("method 12"));
  EXPECT_THAT(RefusalOf(X(), [](ZipWords& words) { words.size += 1; }), HasSubstr("two sizes"));
  EXPECT_THAT(RefusalOf(X(), [](ZipWords& words) { words.extra = "abc"; }),
              HasSubstr("extra fields end early"));
  EXPECT_THAT(RefusalOf(X(), [](ZipWords& words) { words.size = words.stored_size = 0xffffffff; }),
              HasSubstr("ZIP64 field is missing"));
  EXPECT_THAT(RefusalOf(ZipArchive({X()}) + "comment"), HasSubstr("last 22 bytes"));
  EXPECT_THAT(RefusalOf("junk" + ZipArchive({X()})), HasSubstr("does not end where"));
}

TEST(Npz, RefusesHeadersThatDisagree) {
  void (*const changes[])(ZipWords&) = {[](ZipWords& words) { words.name = "y.npy"; },
                                        [](ZipWords& words) { words.crc ^= 1; },
                                        [](ZipWords& words) { words.flags = 2; },
                                        [](ZipWords& words) { words.method = 8; },
                                        [](ZipWords& words) { words.size += 1; },
                                        [](ZipWords& words) { words.stored_size -= 1; }};
  for (const auto& change : changes) {
    ZipPart part = X();
    change(part.local);
    EXPECT_THAT(RefusalOf(part), HasSubstr("described in two ways"));
  }
}

TEST(Npz, CountsMembersBeforeItReadsThem) {
  EXPECT_THAT(RefusalOf(test_support::ZipEndRecord(0, 0, 0)), HasSubstr("0 members"));
  EXPECT_THAT(RefusalOf(test_support::ZipEndRecord(1025, 0, 0)), HasSubstr("1025 members"));
  EXPECT_THAT(RefusalOf(test_support::ZipEndRecord(1, 2 << 20, 0)), HasSubstr("a directory of"));
  EXPECT_THAT(RefusalOf(test_support::ZipEndRecord(1, 0, 0)), HasSubstr("ends early"));
  std::vector<ZipPart> parts;
  for (int i = 0; i < 1024; ++i)
    parts.push_back(StoredPart(absl::StrCat("a", i, ".npy"), Npy("a")));
  EXPECT_EQ(ReadAll(ZipArchive(parts)).arrays.size(), 1024u);
}

TEST(Npz, EveryCutIsFound) {
  const std::string file = ZipArchive({X(), DeflatedPart("y.npy", Npy("defg"))});
  for (size_t size = 0; size < file.size(); ++size) RefusalOf(file.substr(0, size));
}

TEST(Npz, NoChangedByteChangesAValueUnnoticed) {
  const std::string file = ZipArchive({X(), DeflatedPart("y.npy", Npy("defg"))});
  const Result whole = ReadAll(file);
  ASSERT_TRUE(whole.status.ok());
  for (size_t at = 0; at < file.size(); ++at) {
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string changed = file;
      changed[at] = static_cast<char>(changed[at] ^ change);
      const Result result = ReadAll(changed);
      // Both headers have words that nobody reads: versions, times, attributes.
      if (!result.status.ok()) continue;
      EXPECT_EQ(result.arrays, whole.arrays) << "byte " << at;
    }
  }
}

TEST(Npz, PassesOtherErrorsOn) {
  const std::string file = ZipArchive({X()});
  bool fails = false;
  const auto source = [&](uint64_t offset, std::span<std::byte> dst) -> absl::StatusOr<size_t> {
    if (fails) return absl::DataLossError("bad sector");
    std::memcpy(dst.data(), file.data() + offset, dst.size());
    return dst.size();
  };
  const auto reader = NpzReader::Open(source, file.size(), kLimit);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto taken = [](const NpyHeader&) { return absl::OkStatus(); };
  const absl::Status full = reader->Read(
      reader->arrays()[0], taken,
      [](std::span<const std::byte>) { return absl::ResourceExhaustedError("disk full"); });
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  fails = true;
  const absl::Status lost = reader->Read(
      reader->arrays()[0], taken, [](std::span<const std::byte>) { return absl::OkStatus(); });
  EXPECT_EQ(lost.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(NpzReader::Open(source, file.size(), kLimit).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(Npz, KnowsItsFirstBytes) {
  const std::string file = ZipArchive({X()});
  EXPECT_TRUE(IsZip(std::as_bytes(std::span<const char>(file))));
  EXPECT_FALSE(IsZip({}));
  EXPECT_FALSE(IsZip(std::as_bytes(std::span<const char>(Npy("abc")))));
}

}  // namespace
}  // namespace gradus::formats
