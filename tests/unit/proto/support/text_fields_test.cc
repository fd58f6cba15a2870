// SPDX-License-Identifier: Apache-2.0
#include "proto/support/text_fields.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "gradus/v1/dataset_service.pb.h"
#include "gradus/v1/events.pb.h"
#include "gradus/v1/job.pb.h"
#include "proto/support/status.h"
#include "tests/unit/proto/support/random_message.h"

namespace gradus::support {
namespace {

TEST(TextFields, NamesTheStringThatIsNoText) {
  v1::JobSpec spec;
  spec.set_name("caf\xc3\xa9");
  EXPECT_TRUE(CheckTextFields(spec).ok());
  spec.mutable_model()->add_layers()->add_inputs("good");
  spec.mutable_model()->mutable_layers(0)->add_inputs("bad\xff\x1b[2J");
  const absl::Status status = CheckTextFields(spec);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "model.layers[0].inputs[1]: \"bad??[2J\" is not UTF-8 text");
  EXPECT_EQ(FieldOf(status), "model.layers[0].inputs[1]");
}

TEST(TextFields, LooksIntoMapsAndLeavesBytesAlone) {
  v1::Progress progress;
  (*progress.mutable_metrics())["\xff"] = 1;
  EXPECT_FALSE(CheckTextFields(progress).ok());
  v1::AppendUploadRequest request;
  request.set_data("\xff");
  EXPECT_TRUE(CheckTextFields(request).ok());
}

TEST(TextFields, HasNothingAgainstWhatIsGood) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 300; ++i) {
    v1::Job job;
    testing::FillRandomly(random, 7, job);
    EXPECT_TRUE(CheckTextFields(job).ok()) << job.DebugString();
  }
}

}  // namespace
}  // namespace gradus::support
