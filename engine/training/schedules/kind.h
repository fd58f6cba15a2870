// SPDX-License-Identifier: Apache-2.0
// How the learning rate changes with the steps: one constant struct a member of the oneof
// `Schedule.kind`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gradus/v1/schedules.pb.h"

namespace gradus::schedules {

// What a rate is asked for.
struct Moment {
  // The optimizer's own.
  double learning_rate = 0;
  // Steps done before this one.
  int64_t step = 0;
  // All that will be done, for schedules without a length of their own. At least 1.
  int64_t total_steps = 1;
};

// Lengths of schedules at most, in steps.
inline constexpr int64_t kMostSteps = 1'000'000'000;

// A formula for the rate. It is in double, and its own reference.
//   Threads  immutable; the functions are pure, and `rate` allocates nothing.
struct ScheduleKind {
  v1::Schedule::KindCase field;
  const char* documentation;
  const char* source;
  // Checks the settings and fills in every default; paths are below the kind's own message.
  absl::Status (*check)(v1::Schedule& spec);
  // 0 or more. REQUIRES: a checked spec.
  double (*rate)(const v1::Schedule& spec, const Moment& at);
  // Settings that the conformance tests run.
  std::vector<v1::Schedule> (*samples)();
};

// Every kind; written by the CMake list.
std::span<const ScheduleKind* const> Table();
// Null when the oneof is not set.
const ScheduleKind* Find(const v1::Schedule& spec);
// The oneof member's name: "cosine_decay".
std::string Word(const ScheduleKind& kind);

// Fills in every default. INVALID_ARGUMENT for a schedule that says nothing, or what cannot be.
absl::Status Check(v1::Schedule& spec);
// The rate of a step, warm-up included. Of an empty schedule: the learning rate itself.
double Rate(const v1::Schedule& spec, const Moment& at);

}  // namespace gradus::schedules
