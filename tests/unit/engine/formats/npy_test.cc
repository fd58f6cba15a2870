// SPDX-License-Identifier: Apache-2.0
// Headers by their grammar, and values whatever their order and type; numpy_test.py has NumPy
// itself write files.
#include "engine/formats/npy.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace gradus::formats {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Dictionary(const std::string& descr, const std::string& shape,
                       const std::string& order = "False") {
  return absl::StrCat("{'descr': '", descr, "', 'fortran_order': ", order, ", 'shape': ", shape,
                      ", }\n");
}

std::string Npy(const std::string& dictionary, const std::string& values, int version = 1) {
  std::string file =
      absl::StrCat("\x93NUMPY", std::string(1, static_cast<char>(version)), std::string(1, '\0'));
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    file += static_cast<char>(dictionary.size() >> 8 * i);
  return file + dictionary + values;
}

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <typename T>
std::vector<T> ValuesOf(const std::string& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

struct Result {
  absl::Status status;
  std::string values;
  int headers = 0;
};

Result Decode(const std::string& file, size_t piece, NpyDecoder& decoder) {
  Result result;
  const std::span<const std::byte> bytes = std::as_bytes(std::span<const char>(file));
  for (size_t at = 0; at < bytes.size(); at += piece) {
    result.status = decoder.Push(
        bytes.subspan(at, std::min(piece, bytes.size() - at)),
        [&](const NpyHeader&) {
          ++result.headers;
          return absl::OkStatus();
        },
        [&](std::span<const std::byte> values) {
          EXPECT_LE(values.size(), 64u << 10);
          result.values.append(reinterpret_cast<const char*>(values.data()), values.size());
          return absl::OkStatus();
        });
    if (!result.status.ok()) return result;
  }
  result.status = decoder.Finish();
  return result;
}

Result Decode(const std::string& file, size_t piece = 1 << 20) {
  NpyDecoder decoder;
  return Decode(file, piece, decoder);
}

absl::Status RefusalOf(const std::string& dictionary, const std::string& values = "") {
  const absl::Status status = Decode(Npy(dictionary, values)).status;
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << dictionary;
  return status;
}

TEST(Npy, GivesShapeAndValuesWhateverThePieces) {
  const std::string values = "abcdefghijkl";
  for (const int version : {1, 2, 3}) {
    for (const size_t piece : {1, 3, 5, 100}) {
      NpyDecoder decoder;
      const Result result =
          Decode(Npy(Dictionary("|u1", "(2, 3, 2)"), values, version), piece, decoder);
      ASSERT_TRUE(result.status.ok()) << result.status;
      EXPECT_EQ(result.values, values);
      EXPECT_EQ(result.headers, 1);
      EXPECT_EQ(decoder.header().dtype, "U8");
      EXPECT_EQ(decoder.header().rows(), 2);
      EXPECT_THAT(decoder.header().row_shape(), ElementsAre(3, 2));
    }
  }
}

TEST(Npy, TurnsBigEndianValuesToLittle) {
  const struct {
    const char* code;
    const char* dtype;
    std::string big, little;
  } cases[] = {
      {"i1", "I8", "\x01\x02", "\x01\x02"},
      {"i2", "I16", "\x01\x02\x03\x04", "\x02\x01\x04\x03"},
      {"i4", "I32", "\x01\x02\x03\x04\x05\x06\x07\x08", "\x04\x03\x02\x01\x08\x07\x06\x05"},
      {"i8", "I64", "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18",
       "\x08\x07\x06\x05\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11"},
      {"f4", "F32", "\x01\x02\x03\x04\x05\x06\x07\x08", "\x04\x03\x02\x01\x08\x07\x06\x05"},
      {"f8", "F64", "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18",
       "\x08\x07\x06\x05\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11"}};
  for (const auto& c : cases) {
    for (const size_t piece : {1, 5, 1000}) {
      NpyDecoder big;
      EXPECT_EQ(
          Decode(Npy(Dictionary(absl::StrCat(">", c.code), "(2,)"), c.big), piece, big).values,
          c.little);
      EXPECT_EQ(big.header().dtype, c.dtype);
      NpyDecoder little;
      EXPECT_EQ(Decode(Npy(Dictionary(absl::StrCat("<", c.code), "(2,)"), c.little), piece, little)
                    .values,
                c.little);
    }
  }
}

TEST(Npy, WidensTypesThatColumnsDoNotHave) {
  const auto decoded = [](const std::string& descr, const std::string& bytes, size_t count) {
    const Result result = Decode(Npy(Dictionary(descr, absl::StrCat("(", count, ",)")), bytes), 3);
    EXPECT_TRUE(result.status.ok()) << result.status;
    return result.values;
  };
  EXPECT_EQ(decoded("|b1", BytesOf<uint8_t>({0, 1, 1}), 3), BytesOf<uint8_t>({0, 1, 1}));
  EXPECT_EQ(decoded("<u2", BytesOf<uint16_t>({0, 65535}), 2), BytesOf<int32_t>({0, 65535}));
  EXPECT_EQ(decoded(">u2", std::string("\x01\x02\xff\xfe", 4), 2),
            BytesOf<int32_t>({0x0102, 0xfffe}));
  EXPECT_EQ(decoded("<u4", BytesOf<uint32_t>({7, 0xffffffff}), 2),
            BytesOf<int64_t>({7, 0xffffffff}));
  EXPECT_EQ(decoded("<u8", BytesOf<uint64_t>({7, (uint64_t{1} << 63) - 1}), 2),
            BytesOf<int64_t>({7, std::numeric_limits<int64_t>::max()}));
}

TEST(Npy, EveryHalfIsTheFloatThatItMeans) {
  std::vector<uint16_t> halves;
  for (int half = 0; half < 1 << 16; ++half) halves.push_back(static_cast<uint16_t>(half));
  const Result result = Decode(Npy(Dictionary("<f2", "(65536,)"), BytesOf(halves)));
  ASSERT_TRUE(result.status.ok()) << result.status;
  const std::vector<float> floats = ValuesOf<float>(result.values);
  ASSERT_EQ(floats.size(), halves.size());
  for (const uint16_t half : halves) {
    const int exponent = half >> 10 & 31;
    const int mantissa = half & 1023;
    const float sign = half >> 15 == 0 ? 1 : -1;
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(floats[half]), mantissa != 0) << half;
      EXPECT_EQ(std::isinf(floats[half]), mantissa == 0) << half;
    } else {
      EXPECT_EQ(
          floats[half],
          sign * (exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25)))
          << half;
    }
    EXPECT_EQ(std::signbit(floats[half]), sign < 0) << half;
  }
}

TEST(Npy, RefusesValuesThatTheColumnCannotHold) {
  EXPECT_THAT(RefusalOf(Dictionary("|b1", "(2,)"), std::string("\x01\x02", 2)).message(),
              HasSubstr("bool of 2"));
  EXPECT_THAT(
      RefusalOf(Dictionary("<u8", "(1,)"), BytesOf<uint64_t>({uint64_t{1} << 63})).message(),
      HasSubstr("9223372036854775808 is too large"));
}

TEST(Npy, TurnsMoreThanOneBufferOfValues) {
  std::vector<uint16_t> stored;
  std::vector<int32_t> values;
  for (int i = 0; i < 100'000; ++i) {
    stored.push_back(static_cast<uint16_t>(i));
    values.push_back(static_cast<uint16_t>(i));
  }
  for (const size_t piece : {997, 1 << 20}) {
    const Result result = Decode(Npy(Dictionary("<u2", "(50000, 2)"), BytesOf(stored)), piece);
    ASSERT_TRUE(result.status.ok());
    EXPECT_EQ(result.values, BytesOf(values));
  }
}

TEST(Npy, TurnsFortranOrderToC) {
  // Element (i, j, k) is 100 i + 10 j + k, or more of them where they fill several buffers.
  for (const int rows : {2, 5000}) {
    std::vector<int32_t> fortran;
    std::vector<int32_t> c;
    for (int k = 0; k < 4; ++k)
      for (int j = 0; j < 3; ++j)
        for (int i = 0; i < rows; ++i) fortran.push_back(100 * i + 10 * j + k);
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < 3; ++j)
        for (int k = 0; k < 4; ++k) c.push_back(100 * i + 10 * j + k);
    const std::string file =
        Npy(Dictionary("<i4", absl::StrCat("(", rows, ", 3, 4)"), "True"), BytesOf(fortran));
    for (const size_t piece : {7, 1 << 20}) {
      const Result result = Decode(file, piece);
      ASSERT_TRUE(result.status.ok()) << result.status;
      EXPECT_EQ(ValuesOf<int32_t>(result.values), c);
    }
  }
}

TEST(Npy, TurnsBigEndianNarrowValuesInFortranOrderToo) {
  const Result result =
      Decode(Npy(Dictionary(">u2", "(2, 2)", "True"), std::string("\0\1\0\2\0\3\0\4", 8)));
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_THAT(ValuesOf<int32_t>(result.values), ElementsAre(1, 3, 2, 4));
}

TEST(Npy, FortranOrderOfOneAxisIsCOrderAndHasNoLimit) {
  for (const char* shape : {"(1099511627776,)", "(1, 1099511627776)", "(1099511627776, 1)"}) {
    EXPECT_THAT(RefusalOf(Dictionary("|u1", shape, "True"), "abc").message(),
                HasSubstr("there are"));
  }
}

TEST(Npy, RefusesFortranOrderBeyondItsLimitBeforeTheCallerHearsOfIt) {
  const std::string file = Npy(Dictionary("|u1", "(65536, 1025)", "True"), "abc");
  const Result result = Decode(file);
  EXPECT_THAT(result.status.message(), HasSubstr("67174400 bytes in Fortran order"));
  EXPECT_EQ(result.headers, 0);
}

TEST(Npy, TakesEveryFormOfTheDictionaryThatPythonPrints) {
  for (const char* dictionary :
       {"{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1), }\n",
        "{'shape': (2, 1), 'fortran_order': False, 'descr': '<i2'}",
        "{\"descr\": \"<i2\", \"fortran_order\": False, \"shape\": (2, 1,)}   \n",
        "{'descr':'<i2','fortran_order':False,'shape':(2,1)}",
        "  {'descr': '<i2', 'fortran_order': False, 'shape': (2L, 1L), }          \n"}) {
    const Result result = Decode(Npy(dictionary, "abcd"));
    EXPECT_TRUE(result.status.ok()) << dictionary << ": " << result.status;
    EXPECT_EQ(result.values, "abcd");
  }
}

TEST(Npy, RefusesDictionariesThatNumPyDoesNotWrite) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no '{'"},
      {"[]", "no '{'"},
      {"{}", "needs descr, fortran_order and shape"},
      {"{'descr': '<i2', 'shape': (1,)}", "needs descr"},
      {"{'descr': '<i2', 'descr': '|O'}", "\"descr\" twice"},
      {"{'descr': '<i2', 'evil': 1}", "unknown key \"evil\""},
      {"{'descr': '<i2' 'shape': (1,)}", "no '}'"},
      {"{'descr' '<i2'}", "no ':'"},
      {"{'descr': <i2}", "no string"},
      {"{'descr': '<i2}", "without an end"},
      {"{'descr': '\\x3ci2'}", "escape"},
      {"{'descr': [('a', '<f4')]}", "records"},
      {"{'fortran_order': 0}", "neither True nor False"},
      {"{'shape': 3}", "no '('"},
      {"{'shape': (3)}", "a tuple"},
      {"{'shape': (3, 4}", "no ')'"},
      {"{'shape': (-3,)}", "no number"},
      {"{'shape': (3.0,)}", "a tuple"},
      {"{'shape': (3, ,)}", "no number"},
      {"{'shape': (9223372036854775808,)}", "beyond 2^63"},
      {"{'shape': ((3,),)}", "no number"},
      {"{'shape': os.system('id')}", "no '('"},
      {"{'descr': '<i2', 'fortran_order': False, 'shape': (1,)} or 1", "goes on"}};
  for (const auto& [dictionary, word] : cases)
    EXPECT_THAT(RefusalOf(dictionary).message(), HasSubstr(word)) << dictionary;
}

TEST(Npy, RefusesTypesThatAreNoNumbers) {
  EXPECT_THAT(RefusalOf(Dictionary("|O", "(1,)")).message(), HasSubstr("pickles are never read"));
  for (const char* descr : {"<c8", "<U3", "|S3", "<M8[ns]", "<V4", "<f16", "<i3", "<", "", "i"}) {
    EXPECT_THAT(RefusalOf(Dictionary(descr, "(1,)")).message(), HasSubstr("is none of b1, i1"))
        << descr;
  }
  for (const char* descr : {"|i2", "=i2", "xi2"})
    EXPECT_THAT(RefusalOf(Dictionary(descr, "(1,)")).message(), HasSubstr("no byte order"));
}

TEST(Npy, RefusesShapesWithoutRowsAndTooLargeOnes) {
  EXPECT_THAT(RefusalOf(Dictionary("|u1", "()")).message(), HasSubstr("0 dimensions"));
  EXPECT_THAT(
      RefusalOf(Dictionary("|u1", "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)")).message(),
      HasSubstr("17 dimensions"));
  EXPECT_THAT(RefusalOf(Dictionary("|u1", "(3, 0)")).message(), HasSubstr("dimension 1 is 0"));
  EXPECT_THAT(RefusalOf(Dictionary("<f8", "(4611686018427387904, 4)")).message(),
              HasSubstr("too large"));
  // Only as wide values, not in the file.
  EXPECT_THAT(RefusalOf(Dictionary("<u4", "(2305843009213693951,)")).message(),
              HasSubstr("too large"));
}

TEST(Npy, RefusesWhatIsNoNpyAtTheFirstByteThatSaysSo) {
  EXPECT_THAT(Decode("PK").status.message(), HasSubstr("does not start"));
  EXPECT_THAT(Decode("\x93NUMPX").status.message(), HasSubstr("does not start"));
  for (const char* version : {"\x04", "\x02\x01"}) {
    EXPECT_THAT(Decode(absl::StrCat("\x93NUMPY", version, "\x01")).status.message(),
                HasSubstr("is none of 1.0"));
  }
  EXPECT_THAT(Decode(Npy(std::string(10'001, ' '), "")).status.message(),
              HasSubstr("a header of 10001 bytes"));
  EXPECT_THAT(Decode("\x93NUMPY\x02" + std::string(1, '\0') + "\xff\xff\xff\xff").status.message(),
              HasSubstr("a header of 4294967295 bytes"));
}

TEST(Npy, NamesBothSizesWhereTheyDisagree) {
  const std::string dictionary = Dictionary("<i2", "(2, 3)");
  const size_t header = Npy(dictionary, "").size();
  for (const size_t there : {0, 11, 13, 5000}) {
    const Result result = Decode(Npy(dictionary, std::string(there, 'x')), 7);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(result.status.message(),
                HasSubstr(absl::StrCat("(i2, 2 x 3) announces ", header + 12, " bytes, there are ",
                                       header + there)));
    EXPECT_LE(result.values.size(), 12u);
  }
}

TEST(Npy, EveryCutIsFound) {
  for (const char* order : {"False", "True"}) {
    const std::string file = Npy(Dictionary("<i2", "(2, 3)", order), "abcdefghijkl");
    ASSERT_TRUE(Decode(file).status.ok());
    for (size_t size = 0; size < file.size(); ++size) {
      EXPECT_EQ(Decode(file.substr(0, size), 5).status.code(), absl::StatusCode::kInvalidArgument)
          << size;
    }
  }
}

TEST(Npy, PassesTheSinksErrorOn) {
  const std::string file = Npy(Dictionary("|u1", "(1,)"), "x");
  const auto fail = [] { return absl::ResourceExhaustedError("disk full"); };
  NpyDecoder decoder;
  EXPECT_EQ(decoder
                .Push(
                    std::as_bytes(std::span<const char>(file)),
                    [](const NpyHeader&) { return absl::OkStatus(); },
                    [&](std::span<const std::byte>) { return fail(); })
                .code(),
            absl::StatusCode::kResourceExhausted);
  NpyDecoder other;
  EXPECT_EQ(
      other
          .Push(
              std::as_bytes(std::span<const char>(file)), [&](const NpyHeader&) { return fail(); },
              [](std::span<const std::byte>) { return absl::OkStatus(); })
          .code(),
      absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace gradus::formats
