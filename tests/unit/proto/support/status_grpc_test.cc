// SPDX-License-Identifier: Apache-2.0
#include "proto/support/status_grpc.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "proto/support/status.h"
#include "proto/support/utf8.h"

namespace gradus::support {
namespace {

TEST(StatusGrpc, KeepsEveryCodeBothWays) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    EXPECT_EQ(static_cast<int>(ToGrpc(status).error_code()), code);
    EXPECT_EQ(FromGrpc(ToGrpc(status)), status) << code;
  }
}

TEST(StatusGrpc, ACodeThatGrpcDoesNotDefineIsUnknown) {
  // The largest number that the enumeration's bits hold: beyond it the cast itself is undefined.
  EXPECT_EQ(FromGrpc(grpc::Status(static_cast<grpc::StatusCode>(31), "x")).code(),
            absl::StatusCode::kUnknown);
  EXPECT_EQ(FromGrpc(grpc::Status(static_cast<grpc::StatusCode>(-1), "x")).code(),
            absl::StatusCode::kUnknown);
}

TEST(StatusGrpc, AFieldIsABadRequestOnTheWire) {
  const absl::Status status =
      FieldError("model.layers[3].dense.units", "0 is not a positive number");
  const grpc::Status wire = ToGrpc(status);
  google::rpc::Status details;
  google::rpc::BadRequest request;
  ASSERT_TRUE(details.ParseFromString(wire.error_details()));
  ASSERT_EQ(details.details_size(), 1);
  ASSERT_TRUE(details.details(0).UnpackTo(&request));
  EXPECT_EQ(request.field_violations(0).field(), "model.layers[3].dense.units");
  EXPECT_EQ(request.field_violations(0).description(), "0 is not a positive number");
  EXPECT_EQ(FromGrpc(wire), status);
}

TEST(StatusGrpc, KeepsReasonsDelaysAndForeignDetails) {
  absl::Status status = WithReason(absl::ResourceExhaustedError("too many"), "RATE_LIMIT");
  status = WithRetryDelay(std::move(status), absl::Milliseconds(7250));
  google::rpc::BadRequest request;
  request.add_field_violations()->set_field("a");
  request.add_field_violations()->set_field("b");
  status.SetPayload("type.googleapis.com/google.rpc.BadRequest",
                    absl::Cord(request.SerializeAsString()));
  EXPECT_EQ(FromGrpc(ToGrpc(status)), status);
  EXPECT_EQ(RetryDelayOf(FromGrpc(ToGrpc(status))), absl::Milliseconds(7250));
}

TEST(StatusGrpc, KeepsPrivatePayloadsAtHome) {
  absl::Status status = absl::InternalError("x");
  status.SetPayload("type.gradus/secret", absl::Cord("token"));
  EXPECT_EQ(ToGrpc(status).error_details().find("token"), std::string::npos);
}

TEST(StatusGrpc, IgnoresDetailsThatAreNone) {
  const absl::Status status =
      FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "x", "\xff\xff garbage"));
  EXPECT_EQ(status, absl::InternalError("x"));
}

TEST(StatusGrpc, LongMessagesStayBelowTheLimitOfTheMetadata) {
  std::string text;
  while (text.size() < 100'000) text += "caf\xc3\xa9";
  const grpc::Status wire = ToGrpc(FieldError(text, text));
  EXPECT_LT(wire.error_message().size() + wire.error_details().size(), 7000u);
  EXPECT_EQ(FirstInvalidUtf8(wire.error_message()), std::nullopt);
}

}  // namespace
}  // namespace gradus::support
