// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/server/jobs/recorded_shape.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <span>
#include <string>

namespace gradus::jobs {
namespace {

constexpr double kMinute = 60e6;
constexpr double kDay = 24 * 60 * kMinute;
constexpr double kMedianLength = 13 * kMinute;
constexpr double kLengthSpread = 1.8;  // of the logarithm
constexpr double kSwing = 0.7;         // of arrivals, by day
constexpr int64_t kGibibyte = int64_t{1} << 30;

struct Choice {
  int32_t value;
  double share;
};

constexpr Choice kCores[] = {{1, 0.6}, {2, 0.12}, {4, 0.12}, {8, 0.1}, {16, 0.04}, {32, 0.02}};
constexpr Choice kWorkers[] = {{1, 0.86},   {2, 0.05},   {4, 0.04},  {8, 0.03},
                               {16, 0.012}, {32, 0.006}, {64, 0.002}};

// The standard distributions give other numbers with other libraries; these do not.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}

  double Uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }
  double Normal() {
    return std::sqrt(-2 * std::log(Uniform())) * std::cos(2 * std::numbers::pi * Uniform());
  }
  int32_t Pick(std::span<const Choice> choices) {
    double left = Uniform();
    for (const Choice& choice : choices) {
      if ((left -= choice.share) < 0) return choice.value;
    }
    return choices.front().value;
  }

 private:
  std::mt19937_64 engine_;
};

// By Zipf's law: the user of rank r submits in proportion to 1/r.
int32_t PickUser(Dice& dice, int32_t users) {
  const double rank = std::exp(dice.Uniform() * std::log(users + 1.0));
  return std::min(users, static_cast<int32_t>(rank)) - 1;
}

ComingJob MakeJob(Dice& dice, const RecordedShape& shape) {
  ComingJob job;
  job.user = PickUser(dice, shape.users);
  Demand& demand = job.demand;
  demand.cores = dice.Pick(kCores);
  demand.max_workers = dice.Pick(kWorkers);
  const bool elastic = demand.max_workers >= 4 && dice.Uniform() < 0.3;
  demand.min_workers = elastic ? demand.max_workers / 4 : demand.max_workers;
  demand.memory =
      static_cast<int64_t>(demand.cores * kGibibyte * std::exp(0.5 * dice.Normal() - 0.5));
  // Twice the workers, a fifth longer: who asks for much has much to do.
  const double typical = kMedianLength * std::pow(demand.max_workers, 0.26);
  const double length = typical * std::exp(kLengthSpread * dice.Normal());
  job.length = static_cast<int64_t>(std::clamp(length, 5e6, kDay));
  return job;
}

}  // namespace

std::vector<ComingJob> JobsOfShape(const RecordedShape& shape) {
  Dice dice(shape.seed);
  std::vector<ComingJob> jobs;
  double work = 0;
  for (int32_t i = 0; i < shape.jobs; ++i) {
    jobs.push_back(MakeJob(dice, shape));
    const Demand& demand = jobs.back().demand;
    work += static_cast<double>(jobs.back().length) * demand.cores * demand.min_workers;
  }
  const double span = work / (shape.load * static_cast<double>(shape.cores));
  for (ComingJob& job : jobs) {
    double time = 0;
    double intensity = 0;
    do {
      time = dice.Uniform() * span;
      intensity = 1 - kSwing * std::cos(2 * std::numbers::pi * time / kDay);
    } while (dice.Uniform() * (1 + kSwing) > intensity);
    job.arrival = static_cast<int64_t>(time);
  }
  std::ranges::sort(jobs, {}, &ComingJob::arrival);
  int64_t number = 0;
  for (ComingJob& job : jobs) {
    job.demand.number = ++number;
    job.demand.id = "job-" + std::to_string(number);
  }
  return jobs;
}

}  // namespace gradus::jobs
