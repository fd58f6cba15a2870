// SPDX-License-Identifier: Apache-2.0
// A directory of the machine that a test has to itself.
#pragma once

#include <string>

namespace gradus::test_support {

// An empty directory, removed with all that is in it by the destructor.
//   Errors   ends the process when it cannot be made.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // The path of an entry.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace gradus::test_support
