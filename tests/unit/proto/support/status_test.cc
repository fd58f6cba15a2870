// SPDX-License-Identifier: Apache-2.0
#include "proto/support/status.h"

#include <gtest/gtest.h>

namespace gradus::support {
namespace {

TEST(Status, AFieldErrorNamesItsField) {
  const absl::Status status = FieldError("fit.seed", "wrong");
  EXPECT_EQ(status.message(), "fit.seed: wrong");
  EXPECT_EQ(FieldOf(status), "fit.seed");
  EXPECT_EQ(FieldOf(Annotate(status, "line 3")), "fit.seed");
  EXPECT_EQ(Annotate(status, "line 3").message(), "line 3: fit.seed: wrong");
}

TEST(Status, ExitStatusIsOneForEveryErrorAndTwoForWrongUsage) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  for (int code = 1; code <= 16; ++code) {
    EXPECT_EQ(ExitCode(absl::Status(static_cast<absl::StatusCode>(code), "x")), 1) << code;
  }
  EXPECT_EQ(ExitCode(UsageError("x")), 2);
}

TEST(Status, OkTakesNoReason) { EXPECT_TRUE(WithReason(absl::OkStatus(), "X").ok()); }

}  // namespace
}  // namespace gradus::support
