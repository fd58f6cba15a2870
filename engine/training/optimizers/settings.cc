// SPDX-License-Identifier: Apache-2.0
// Settings that optimizers have in common, read by the names of their fields.
#include "engine/training/optimizers/settings.h"

#include "engine/training/optimizers/kind.h"
#include "engine/training/schedules/kind.h"
#include "google/protobuf/message.h"

namespace gradus::optimizers {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const FieldDescriptor* KindOf(const v1::Optimizer& spec) {
  return spec.GetReflection()->GetOneofFieldDescriptor(
      spec, v1::Optimizer::descriptor()->FindOneofByName("kind"));
}

// The kind's own message, and those of its fields that all kinds have.
class Fields {
 public:
  explicit Fields(const v1::Optimizer& spec)
      : message_(spec.GetReflection()->GetMessage(spec, KindOf(spec))) {}

  std::optional<double> Number(const char* name) const {
    if (!Has(name)) return std::nullopt;
    return message_.GetReflection()->GetDouble(message_, Field(name));
  }
  bool Flag(const char* name) const {
    return Has(name) && message_.GetReflection()->GetBool(message_, Field(name));
  }
  std::optional<v1::Schedule> Schedule() const {
    if (!Has("schedule")) return std::nullopt;
    v1::Schedule schedule;
    schedule.CopyFrom(message_.GetReflection()->GetMessage(message_, Field("schedule")));
    return schedule;
  }
  bool Has(const char* name) const {
    return message_.GetReflection()->HasField(message_, Field(name));
  }

 private:
  const FieldDescriptor* Field(const char* name) const {
    return message_.GetDescriptor()->FindFieldByName(name);
  }

  const Message& message_;
};

// Of the kind's own message.
absl::Status CheckSchedule(v1::Optimizer& spec) {
  if (!Fields(spec).Has("schedule")) return absl::OkStatus();
  v1::Schedule schedule = *Fields(spec).Schedule();
  RETURN_IF_ERROR(base::InField(schedules::Check(schedule), "schedule"));
  Message& own = *spec.GetReflection()->MutableMessage(&spec, KindOf(spec));
  own.GetReflection()
      ->MutableMessage(&own, own.GetDescriptor()->FindFieldByName("schedule"))
      ->CopyFrom(schedule);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDecay(absl::string_view path, double value) {
  if (value >= 0 && value < 1) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value), "at least 0 and less than 1");
}

double LearningRateOf(const v1::Optimizer& spec) {
  return Fields(spec).Number("learning_rate").value_or(0);
}

Common CommonOf(const v1::Optimizer& spec) {
  constexpr double kEmaMomentum = 0.99;
  const Fields fields(spec);
  Common common{.clipvalue = fields.Number("clipvalue"),
                .clipnorm = fields.Number("clipnorm"),
                .global_clipnorm = fields.Number("global_clipnorm"),
                .weight_decay = fields.Number("weight_decay").value_or(0),
                .schedule = fields.Schedule(),
                .ema_momentum = std::nullopt};
  if (fields.Flag("use_ema"))
    common.ema_momentum = fields.Number("ema_momentum").value_or(kEmaMomentum);
  return common;
}

std::vector<std::string> SlotNames(const v1::Optimizer& spec) {
  std::vector<std::string> names = Find(spec)->slots(spec);
  if (CommonOf(spec).ema_momentum.has_value()) names.emplace_back(kAverageSlot);
  return names;
}

void ClearSchedule(v1::Optimizer& spec) {
  if (KindOf(spec) == nullptr) return;
  Message& own = *spec.GetReflection()->MutableMessage(&spec, KindOf(spec));
  own.GetReflection()->ClearField(&own, own.GetDescriptor()->FindFieldByName("schedule"));
}

absl::Status CheckCommon(v1::Optimizer& spec) {
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
  RETURN_IF_ERROR(CheckNotNegative("weight_decay", common.weight_decay));
  const std::optional<double> ema_momentum = Fields(spec).Number("ema_momentum");
  if (ema_momentum.has_value()) RETURN_IF_ERROR(base::CheckShare("ema_momentum", *ema_momentum));
  return CheckSchedule(spec);
}

}  // namespace gradus::optimizers
