// SPDX-License-Identifier: Apache-2.0
// A disk in memory that remembers what was made durable and what was not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/philox.h"

namespace gradus::test_support {

// A file: what reads see, what is on the platter, and the writes between.
class DiskFile {
 public:
  const std::vector<std::byte>& bytes() const { return current_; }
  void Write(uint64_t offset, std::span<const std::byte> src);
  void Truncate(uint64_t size);
  void Sync();
  // The writes since the last Sync will never reach the platter, though reads see them until a cut.
  void Forget() { pending_.clear(); }
  // Of the writes since the last Sync any 512-byte sectors reach the platter, each with
  // `probability`, and reads see the platter.
  void Cut(base::PhiloxStream& random, double probability);

 private:
  struct Change {
    uint64_t offset;
    std::vector<std::byte> bytes;
    std::optional<uint64_t> new_size;  // a truncation; `bytes` is empty
  };

  std::vector<std::byte> current_;
  std::vector<std::byte> durable_;
  std::vector<Change> pending_;
};

struct DiskNode;
using Entries = std::map<std::string, std::shared_ptr<DiskNode>>;

// A file, or a directory with the names that reads see and those on the platter.
struct DiskNode {
  explicit DiskNode(bool directory) : is_directory(directory) {}

  const bool is_directory;
  DiskFile file;
  Entries entries;
  Entries durable_entries;
};

// The tree and the changes of names since their directories were synced.
//   Threads  one at a time: PowerCutFiles holds the lock.
class PowerCutDisk {
 public:
  PowerCutDisk() : root_(std::make_shared<DiskNode>(true)) {}

  const std::shared_ptr<DiskNode>& root() const { return root_; }

  // One name of one directory gets another node, or none.
  struct Change {
    std::shared_ptr<DiskNode> dir;
    std::string name;
    std::shared_ptr<DiskNode> node;
  };
  // Changes that reach the platter together or not at all: two for a rename.
  void Apply(std::vector<Change> changes);
  void SyncDir(const DiskNode& dir);
  // The power goes off and on again: what was not synced is kept or lost, by `seed`.
  void Cut(uint64_t seed);

 private:
  using Group = std::vector<Change>;

  // Makes a group durable, and takes out of the older ones what it overtakes.
  void Settle(size_t index);
  void CutBelow(DiskNode& node, base::PhiloxStream& random, double probability);

  std::shared_ptr<DiskNode> root_;
  std::vector<Group> pending_;
};

}  // namespace gradus::test_support
