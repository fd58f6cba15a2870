// SPDX-License-Identifier: Apache-2.0
// How ranks of a benchmark find each other: notes as files of a folder.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/collective/gloo_group.h"

namespace gradus::bench {

inline collective::Notes NotesIn(const std::string& folder) {
  const auto path = [folder](std::string key) {
    std::replace(key.begin(), key.end(), '/', '_');
    return folder + "/" + key;
  };
  return {.put =
              [path](const std::string& key, const std::string& value) {
                const std::string part = path(key) + ".part";
                std::ofstream(part) << value;
                std::filesystem::rename(part, path(key));
                return absl::OkStatus();
              },
          .get = [path](const std::vector<std::string>& keys)
              -> absl::StatusOr<std::map<std::string, std::string>> {
            std::map<std::string, std::string> found;
            for (const std::string& key : keys) {
              std::ifstream file(path(key));
              if (file) found[key] = std::string(std::istreambuf_iterator<char>(file), {});
            }
            return found;
          }};
}

}  // namespace gradus::bench
