// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of metrics, and the check of a job's list.
#include "engine/training/metrics/kind.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "engine/base/status.h"

namespace gradus::metrics {
namespace {

std::string Words() {
  return absl::StrJoin(Table(), ", ",
                       [](std::string* out, const MetricKind* kind) { out->append(Word(*kind)); });
}

}  // namespace

const MetricKind* Find(const v1::Metric& spec) {
  for (const MetricKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const MetricKind& kind) {
  return v1::Metric::descriptor()->FindFieldByNumber(kind.field)->name();
}

std::optional<bool> HigherIsBetter(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "val_")) absl::ConsumePrefix(&name, "test_");
  name = name.substr(0, name.find('/'));
  // Before the metric's own name may stand an output's.
  while (true) {
    for (const MetricKind* kind : Table()) {
      if (Word(*kind) == name) return kind->higher_is_better;
    }
    const size_t end = name.find('_');
    if (end == absl::string_view::npos) return false;
    name.remove_prefix(end + 1);
  }
}

Sizes OneSum(const v1::Metric&, const Scored&) { return {}; }

void AddUp(std::span<double> into, std::span<const double> from) {
  for (size_t i = 0; i < into.size(); ++i) into[i] += from[i];
}

std::vector<Figure> MeanOverRows(const v1::Metric&, const Gathered& gathered) {
  return {{"", gathered.state[0] / static_cast<double>(gathered.rows)}};
}

absl::Status Check(google::protobuf::RepeatedPtrField<v1::Metric>& specs, const Scored& scored) {
  std::set<const MetricKind*> seen;
  for (int i = 0; i < specs.size(); ++i) {
    const std::string path = absl::StrCat("[", i, "]");
    const MetricKind* kind = Find(specs[i]);
    if (kind == nullptr)
      return base::InvalidArgument(path, "nothing", absl::StrCat("a metric; one of ", Words()));
    if (!seen.insert(kind).second)
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat(Word(*kind), " is there twice"));
    const absl::Status status =
        scored.target.compared
            ? kind->check(specs[i], scored)
            : absl::InvalidArgumentError(absl::StrCat("does not fit ", losses::Word(*scored.loss),
                                                      ", which compares the output with nothing"));
    RETURN_IF_ERROR(base::InField(base::InField(status, Word(*kind)), path));
  }
  return absl::OkStatus();
}

}  // namespace gradus::metrics
