// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_database.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/files.h"

namespace gradus::test_support {
namespace {

void OrEnd(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}

void Tell(const std::string& server, const std::string& sql) {
  auto connection = store::Connection::Open(server, store::Access::kWriter);
  OrEnd(connection.status());
  OrEnd((*connection)->Run(sql));
}

std::string NewName() {
  static std::atomic<int> made = 0;
  return absl::StrCat("test_", getpid(), "_", ++made);
}

}  // namespace

TestDatabase::TestDatabase(std::string path) : path_(std::move(path)) {
  const char* server = std::getenv("GRADUS_TEST_STORE");
  if (server == nullptr) return;
  server_ = server;
  Make();
}

TestDatabase::~TestDatabase() { Drop(); }

void TestDatabase::Make() {
  name_ = NewName();
  Tell(server_, absl::StrCat("CREATE DATABASE ", name_));
  // The server's address has the database before its parameters.
  url_ = server_;
  const size_t begin = url_.find('/', std::string("postgresql://").size()) + 1;
  url_.replace(begin, url_.find('?', begin) - begin, name_);
}

void TestDatabase::Drop() {
  if (!url_.empty())
    Tell(server_, absl::StrCat("DROP DATABASE IF EXISTS ", name_, " WITH (FORCE)"));
}

void TestDatabase::Clear() {
  if (on_postgres()) {
    Drop();
    Make();
    return;
  }
  for (const char* end : {"", "-wal", "-shm"})
    OrEnd(base::RemoveTree(base::RealFiles(), absl::StrCat(path_, end)));
}

void TestDatabase::CutConnections() {
  Tell(server_, absl::StrCat("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                             " WHERE datname = '",
                             name_, "'"));
}

}  // namespace gradus::test_support
