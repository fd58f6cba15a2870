// SPDX-License-Identifier: Apache-2.0
// What looks at an epoch's figures and acts on them: one constant struct a member of the oneof
// `Callback.kind`.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gradus/v1/training.pb.h"

namespace gradus::callbacks {

// What an epoch has given.
struct Epoch {
  // In the stage, from 0.
  int64_t number = 0;
  // By name; without a validation pass those of validation are missing.
  const std::map<std::string, double>& figures;
  double learning_rate = 0;
};

// What is to be done about it.
struct Verdict {
  // These weights are what the stage goes on with when it ends, unless better ones come.
  bool keep_weights = false;
  bool end_stage = false;
  std::optional<double> learning_rate;
  // For people; empty: nothing to say.
  std::string note;
};

// A kind of callback. All that it remembers is numbers in `state`, so that a checkpoint can hold
// it.
//   Threads  immutable; the functions are pure but for `state`.
struct CallbackKind {
  v1::Callback::KindCase field;
  const char* documentation;
  const char* source;
  // Checks the settings and fills in every default; `names`: what may be watched, the default
  // first.
  absl::Status (*check)(v1::Callback& spec, std::span<const std::string> names);
  // The state at the beginning of a stage.
  std::vector<double> (*start)(const v1::Callback& spec);
  Verdict (*after_epoch)(const v1::Callback& spec, const Epoch& epoch, std::span<double> state);
  // Settings that the tests run.
  std::vector<v1::Callback> (*samples)();
};

// Callbacks of one job at most.
inline constexpr int kMostCallbacks = 8;

// Every kind; written by the CMake list.
std::span<const CallbackKind* const> Table();
// Null when the oneof is not set.
const CallbackKind* Find(const v1::Callback& spec);
// The oneof member's name: "early_stopping".
std::string Word(const CallbackKind& kind);

// INVALID_ARGUMENT with path "[i]..." for one without a kind or with settings that cannot be.
absl::Status Check(google::protobuf::RepeatedPtrField<v1::Callback>& specs,
                   std::span<const std::string> names);

}  // namespace gradus::callbacks
