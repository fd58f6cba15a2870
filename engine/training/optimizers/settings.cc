// SPDX-License-Identifier: Apache-2.0
// Settings that optimizers have in common, read by the names of their fields.
#include "engine/training/optimizers/settings.h"

#include "google/protobuf/message.h"

namespace gradus::optimizers {
namespace {

// A field of the kind's own message, if it is set.
std::optional<double> Read(const v1::Optimizer& spec, const char* name) {
  const google::protobuf::Reflection& outer = *spec.GetReflection();
  const google::protobuf::FieldDescriptor* kind =
      outer.GetOneofFieldDescriptor(spec, v1::Optimizer::descriptor()->FindOneofByName("kind"));
  const google::protobuf::Message& message = outer.GetMessage(spec, kind);
  const google::protobuf::FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (!message.GetReflection()->HasField(message, field)) return std::nullopt;
  return message.GetReflection()->GetDouble(message, field);
}

}  // namespace

absl::Status CheckNotNegative(absl::string_view path, double value) {
  if (std::isfinite(value) && value >= 0) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value), "a finite number, 0 or more");
}

absl::Status CheckDecay(absl::string_view path, double value) {
  if (value >= 0 && value < 1) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value), "at least 0 and less than 1");
}

absl::Status CheckPositive(absl::string_view path, double value) {
  if (std::isfinite(value) && static_cast<float>(value) > 0) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value), "a finite number above 0");
}

Common CommonOf(const v1::Optimizer& spec) {
  return {.clipvalue = Read(spec, "clipvalue"),
          .clipnorm = Read(spec, "clipnorm"),
          .global_clipnorm = Read(spec, "global_clipnorm"),
          .weight_decay = Read(spec, "weight_decay").value_or(0)};
}

absl::Status CheckCommon(const v1::Optimizer& spec) {
  const Common common = CommonOf(spec);
  int clips = 0;
  const std::pair<const char*, std::optional<double>> fields[] = {
      {"clipvalue", common.clipvalue},
      {"clipnorm", common.clipnorm},
      {"global_clipnorm", common.global_clipnorm}};
  for (const auto& [name, value] : fields) {
    if (!value.has_value()) continue;
    RETURN_IF_ERROR(CheckPositive(name, *value));
    if (++clips > 1) {
      return base::FieldError(
          absl::StatusCode::kInvalidArgument, name,
          "at most one of clipvalue, clipnorm and global_clipnorm can be given");
    }
  }
  return CheckNotNegative("weight_decay", common.weight_decay);
}

}  // namespace gradus::optimizers
