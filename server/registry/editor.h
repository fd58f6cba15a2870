// SPDX-License-Identifier: Apache-2.0
// A caller, as far as the registry asks about it.
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
