// SPDX-License-Identifier: Apache-2.0
// Errors keep their field, code and order of context on the way up.
#include "engine/base/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace gradus::base {
namespace {

TEST(Status, InvalidArgumentSaysPathFoundAllowed) {
  const absl::Status status =
      InvalidArgument("model.layers[3].dense.units", "0", "a positive number");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "model.layers[3].dense.units: 0 is not a positive number");
  EXPECT_EQ(FieldOf(status), "model.layers[3].dense.units");
}

TEST(Status, WithoutAPathThereIsNoField) {
  const absl::Status status = InvalidArgument("", "0", "a positive number");
  EXPECT_EQ(status.message(), "0 is not a positive number");
  EXPECT_EQ(FieldOf(status), std::nullopt);
}

TEST(Status, InFieldBuildsThePathFromInsideOut) {
  absl::Status status = InField(InvalidArgument("units", "0", "a positive number"), "dense");
  status = InField(InField(status, "[3]"), "model.layers");
  EXPECT_EQ(FieldOf(status), "model.layers[3].dense.units");
  EXPECT_EQ(status.message(), "model.layers[3].dense.units: 0 is not a positive number");
}

TEST(Status, InFieldGivesAFieldToAStatusWithoutOne) {
  const absl::Status status = InField(absl::NotFoundError("no such dataset"), "data.train.dataset");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(FieldOf(status), "data.train.dataset");
  EXPECT_EQ(status.message(), "data.train.dataset: no such dataset");
}

TEST(Status, AnnotateKeepsCodeAndField) {
  const absl::Status status =
      Annotate(InvalidArgument("units", "0", "a positive number"), "job.yaml");
  EXPECT_EQ(status.message(), "job.yaml: units: 0 is not a positive number");
  EXPECT_EQ(FieldOf(status), "units");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "job.yaml").ok());
  EXPECT_TRUE(InField(absl::OkStatus(), "x").ok());
}

TEST(Status, ErrnoBecomesTheCodeThatSaysWhatToDo) {
  EXPECT_EQ(ErrnoStatus(EIO, "a").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrnoStatus(ENOSPC, "a").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus(EDQUOT, "a").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus(ENOENT, "a").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrnoStatus(ELOOP, "a").code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(ErrnoStatus(ENOENT, "a/b: open").message()),
              testing::HasSubstr("a/b: open"));
}

absl::StatusOr<int> Half(int x) {
  if (x % 2 != 0) return absl::InvalidArgumentError("odd");
  return x / 2;
}

absl::StatusOr<int> Quarter(int x) {
  ASSIGN_OR_RETURN(const int half, Half(x));
  ASSIGN_OR_RETURN(int quarter, Half(half));
  return quarter;
}

absl::Status Check(int x, int& calls) {
  // Without braces: the macro is one statement.
  if (x > 0)
    RETURN_IF_ERROR(Half(x).status());
  else
    ++calls;
  return absl::OkStatus();
}

TEST(Status, MacrosReturnTheFirstError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status(), absl::InvalidArgumentError("odd"));
  int calls = 0;
  EXPECT_FALSE(Check(3, calls).ok());
  EXPECT_TRUE(Check(2, calls).ok());
  EXPECT_TRUE(Check(0, calls).ok());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace gradus::base
