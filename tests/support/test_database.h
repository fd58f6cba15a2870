// SPDX-License-Identifier: Apache-2.0
// Where a test keeps its store: a file of SQLite's or, where GRADUS_TEST_STORE names a server
// (tests/support/postgres), a database of its own there.
#pragma once

#include <memory>
#include <string>

#include "server/store/connection.h"
#include "server/store/store.h"

namespace gradus::test_support {

// Empty when made, and gone afterwards; a failure to make one ends the test.
//   Threads  one.
class TestDatabase {
 public:
  // `path`: the file that it is on SQLite.
  explicit TestDatabase(std::string path);
  ~TestDatabase();
  TestDatabase(const TestDatabase&) = delete;
  TestDatabase& operator=(const TestDatabase&) = delete;

  bool on_postgres() const { return !url_.empty(); }
  // As StoreOptions.path and StoreOptions.url.
  const std::string& path() const { return path_; }
  const std::string& url() const { return url_; }
  // As Connection::Open takes it.
  const std::string& where() const { return on_postgres() ? url_ : path_; }

  // Empties it; nobody may have it open.
  void Clear();
  // On PostgreSQL: ends all connections to it, as a restart of the server would.
  void CutConnections();

 private:
  void Make();
  void Drop();

  const std::string path_;
  std::string server_;  // GRADUS_TEST_STORE
  std::string name_;    // of the database
  std::string url_;
};

}  // namespace gradus::test_support
