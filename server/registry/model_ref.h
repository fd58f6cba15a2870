// SPDX-License-Identifier: Apache-2.0
// References to models: `name`, `name@3`, `name@alias`, `name@sha256:...`.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::registry {

struct ModelRef {
  std::string name;
  int64_t version = 0;  // 0: not by version
  std::string digest;   // empty: not by digest
  std::string alias;    // empty: not by alias

  bool newest() const { return version == 0 && digest.empty() && alias.empty(); }
};

// INVALID_ARGUMENT with the field "ref".
absl::StatusOr<ModelRef> ParseModelRef(const std::string& text);

// INVALID_ARGUMENT with the field "alias" for what is no alias: a name (base/names.h) that is
// neither digits alone nor "sha256", and so can be taken for nothing else behind an '@'.
absl::Status CheckAlias(const std::string& alias);

// "name@3".
std::string VersionRef(const std::string& name, int64_t version);

}  // namespace gradus::registry
