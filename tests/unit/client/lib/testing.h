// SPDX-License-Identifier: Apache-2.0
// What the client's tests share: clients that do not wait, folders that go away.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "gradus/client.h"
#include "tests/unit/client/fake/fake_connection.h"

namespace gradus::testing {

// Retries without waiting.
inline RetryOptions Impatient() {
  RetryOptions options;
  options.wait = [](absl::Duration, const std::stop_token& stop) { return !stop.stop_requested(); };
  return options;
}

// A folder of its own, removed at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gradus-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(*this / name, std::ios::binary) << bytes;
    return *this / name;
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(*this / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  std::string path_;
};

}  // namespace gradus::testing
