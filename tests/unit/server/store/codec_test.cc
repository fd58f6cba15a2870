// SPDX-License-Identifier: Apache-2.0
#include "server/store/codec.h"

#include <gtest/gtest.h>

#include <limits>

#include "gradus/v1/job.pb.h"

namespace gradus::store {
namespace {

TEST(CodecTest, MessagesComeBackExactly) {
  v1::Job job;
  job.set_name(std::string("a\0b", 3));
  (*job.mutable_metrics())["loss"] = 0.1;
  (*job.mutable_metrics())["val_loss"] = std::numeric_limits<double>::infinity();
  const auto back = Decode<v1::Job>(Encode(job));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(Encode(*back), Encode(job));
  EXPECT_EQ(back->name(), job.name());
  EXPECT_EQ(back->metrics().at("loss"), 0.1);
}

TEST(CodecTest, DamageIsDataLoss) {
  EXPECT_TRUE(absl::IsDataLoss(Decode<v1::Job>("not base64!").status()));
  EXPECT_TRUE(absl::IsDataLoss(Decode<v1::Job>("/////w==").status()));
}

TEST(CodecTest, FingerprintDependsOnTheContentAlone) {
  v1::Job a;
  v1::Job b;
  for (int i = 0; i < 20; ++i) (*a.mutable_metrics())[std::to_string(i)] = i;
  for (int i = 19; i >= 0; --i) (*b.mutable_metrics())[std::to_string(i)] = i;
  EXPECT_EQ(Fingerprint(a), Fingerprint(b));
  (*b.mutable_metrics())["3"] = 4;
  EXPECT_NE(Fingerprint(a), Fingerprint(b));
}

}  // namespace
}  // namespace gradus::store
