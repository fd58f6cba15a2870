// SPDX-License-Identifier: Apache-2.0
// Moves a store from SQLite's file into a database of PostgreSQL's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace gradus::store {

struct CopiedTable {
  std::string name;
  int64_t rows = 0;
  std::string sha256;  // of all its rows in the order of their keys, equal on both sides
};

// Copies every table in one transaction, and reads it back before it is kept: OK means that both
// have the same rows. The file is only read; nobody may have it open, and whoever calls holds the
// lock of its folder. An error leaves the target as it was.
//   Errors   FAILED_PRECONDITION for a target that has tables of ours already, for a file that
//            another version of the program wrote; DATA_LOSS where what is read back differs;
//            NOT_FOUND without a file; UNAVAILABLE as Store.
absl::StatusOr<std::vector<CopiedTable>> CopyStore(const std::string& path, const std::string& url);

}  // namespace gradus::store
