// SPDX-License-Identifier: Apache-2.0
// References to models: `name`, `name@3`, `name@sha256:...`.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace gradus::registry {

struct ModelRef {
  std::string name;
  int64_t version = 0;  // 0: not by version
  std::string digest;   // empty: not by digest

  bool newest() const { return version == 0 && digest.empty(); }
};

// INVALID_ARGUMENT with the field "ref".
absl::StatusOr<ModelRef> ParseModelRef(const std::string& text);

// "name@3".
std::string VersionRef(const std::string& name, int64_t version);

}  // namespace gradus::registry
