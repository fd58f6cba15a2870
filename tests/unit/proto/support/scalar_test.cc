// SPDX-License-Identifier: Apache-2.0
#include "proto/support/scalar.h"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "gradus/v1/optimizers.pb.h"
#include "gradus/v1/training.pb.h"

namespace gradus::support {
namespace {

template <typename Message>
absl::Status Store(const char* field, absl::string_view text, Message& message) {
  return StoreScalar(text, *Message::descriptor()->FindFieldByName(field), message);
}

TEST(Scalar, KeepsAll64Bits) {
  v1::Fit fit;
  ASSERT_TRUE(Store("seed", "18446744073709551615", fit).ok());
  EXPECT_EQ(fit.seed(), std::numeric_limits<uint64_t>::max());
  ASSERT_TRUE(Store("epochs", "-9223372036854775808", fit).ok());
  EXPECT_EQ(fit.epochs(), std::numeric_limits<int64_t>::min());
  ASSERT_TRUE(Store("epochs", "9007199254740993", fit).ok());
  EXPECT_EQ(fit.epochs(), 9007199254740993);
}

TEST(Scalar, TakesWholeNumbersWithAnExponent) {
  v1::Fit fit;
  ASSERT_TRUE(Store("epochs", "1e3", fit).ok());
  EXPECT_EQ(fit.epochs(), 1000);
  EXPECT_FALSE(Store("epochs", "1.5", fit).ok());
  EXPECT_FALSE(Store("epochs", "1e300", fit).ok());
  EXPECT_FALSE(Store("logical_shards", "3e9", fit).ok());
  EXPECT_EQ(fit.epochs(), 1000);
}

TEST(Scalar, SaysWhatIsAllowed) {
  v1::Fit fit;
  EXPECT_EQ(Store("logical_shards", "abc", fit).message(),
            "\"abc\" is not a whole number from -2147483648 to 2147483647");
  EXPECT_EQ(Store("seed", "-1", fit).message(),
            "-1 is not a whole number from 0 to 18446744073709551615");
  EXPECT_EQ(Store("shuffle", "yes", fit).message(), "\"yes\" is not true or false");
}

TEST(Scalar, RefusesNumbersThatReadersDisagreeAbout) {
  v1::Fit fit;
  for (const char* text : {"010", "0x10", "1_000", "+ 1", " 1", "", "-", "--1", "1e", "NaN"}) {
    EXPECT_FALSE(Store("epochs", text, fit).ok()) << text;
  }
}

TEST(Scalar, TakesWhatIsADoubleThoughNoFiniteOne) {
  v1::Sgd sgd;
  ASSERT_TRUE(Store("learning_rate", ".nan", sgd).ok());
  EXPECT_TRUE(std::isnan(sgd.learning_rate()));
  ASSERT_TRUE(Store("learning_rate", "-Infinity", sgd).ok());
  EXPECT_TRUE(std::isinf(sgd.learning_rate()));
  EXPECT_FALSE(Store("learning_rate", "fast", sgd).ok());
}

TEST(Scalar, ShowsHostileTextHarmlessly) {
  EXPECT_EQ(Shown("\x1b[2J"), "\"?[2J\"");
  EXPECT_LT(Shown(std::string(100'000, 'x')).size(), 80u);
  EXPECT_EQ(Shown("-1"), "-1");
}

}  // namespace
}  // namespace gradus::support
