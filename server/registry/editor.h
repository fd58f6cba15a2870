// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gradus::registry {

// Who changes something, and whether that may be another user's.
struct Editor {
  std::string user;
  bool admin = false;

  bool MayEdit(const std::string& owner) const { return admin || owner == user; }
};

}  // namespace gradus::registry
