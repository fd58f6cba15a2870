// SPDX-License-Identifier: Apache-2.0
// Directories under TMPDIR.
#include "tests/support/temp_dir.h"

#include <cstdio>
#include <cstdlib>

#include "engine/base/file_ops.h"

namespace gradus::test_support {

TempDir::TempDir() {
  const char* const root = std::getenv("TMPDIR");
  path_ = std::string(root != nullptr && *root != '\0' ? root : "/tmp") + "/gradus-test-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) {
    std::perror(path_.c_str());
    std::abort();
  }
}

TempDir::~TempDir() {
  if (const absl::Status status = base::RemoveTree(base::RealFiles(), path_); !status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
  }
}

}  // namespace gradus::test_support
