// SPDX-License-Identifier: Apache-2.0
// Progress lines.
#include "client/cli/progress_line.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/text.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

constexpr int64_t kCells = 20;

std::string Place(int32_t stage, int64_t epoch, const RunFacts& facts) {
  const std::string total = facts.total_epochs > 0 ? absl::StrCat("/", facts.total_epochs) : "";
  return absl::StrCat("stage ", stage + 1, "/", std::max(facts.stages, stage + 1), "  epoch ",
                      epoch + 1, total);
}

}  // namespace

std::string Bar(int64_t done, int64_t total) {
  const double share = total > 0 ? static_cast<double>(std::clamp<int64_t>(done, 0, total)) /
                                       static_cast<double>(total)
                                 : 0;
  const auto full = static_cast<size_t>(share * kCells);
  if (full == kCells) return absl::StrCat("[", std::string(kCells, '='), "]");
  return absl::StrCat("[", std::string(full, '='), ">", std::string(kCells - full - 1, '.'), "]");
}

template <typename Map>
std::string MetricsText(const Map& metrics) {
  std::vector<std::tuple<bool, bool, std::string, double>> sorted;
  for (const auto& [name, value] : metrics) {
    if (absl::StrContains(name, '/')) continue;  // of a matrix
    const bool is_validation = absl::StartsWith(name, "val_");
    sorted.emplace_back(is_validation, !absl::EndsWith(name, "loss"),
                        support::Printable(name, true), value);
  }
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (const auto& [validation, other, name, value] : sorted)
    absl::StrAppend(&text, " - ", name, ": ", Metric(value));
  return text;
}

template std::string MetricsText(const google::protobuf::Map<std::string, double>& metrics);

std::string ProgressLine(const v1::Progress& progress, const RunFacts& facts) {
  const int64_t left = std::max<int64_t>(0, progress.steps_per_epoch() - progress.step_in_epoch());
  const absl::Duration eta = absl::Milliseconds(progress.ms_per_step() * static_cast<double>(left));
  return absl::StrCat(Place(progress.stage(), progress.epoch(), facts), "  ",
                      progress.step_in_epoch(), "/", progress.steps_per_epoch(), " ",
                      Bar(progress.step_in_epoch(), progress.steps_per_epoch()), "  ETA ",
                      Clock(eta), absl::StrFormat("  %.2f ms/step", progress.ms_per_step()),
                      MetricsText(progress.metrics()));
}

std::string EpochLine(const v1::EpochFinished& epoch, const RunFacts& facts) {
  const int64_t steps = facts.steps_per_epoch;
  const std::string speed = steps > 0
                                ? absl::StrFormat("  %.2f ms/step", 1000 * epoch.train_seconds() /
                                                                        static_cast<double>(steps))
                                : "";
  const std::string bar =
      steps > 0 ? absl::StrCat("  ", steps, "/", steps, " ", Bar(steps, steps)) : "";
  return absl::StrCat(Place(epoch.stage(), epoch.epoch(), facts), bar, "  ",
                      Lasting(absl::Seconds(epoch.seconds())), speed, MetricsText(epoch.metrics()));
}

}  // namespace gradus::cli
