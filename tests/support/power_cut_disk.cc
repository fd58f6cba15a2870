// SPDX-License-Identifier: Apache-2.0
// What a power cut leaves of writes and names that were not synced.
#include "tests/support/power_cut_disk.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gradus::test_support {
namespace {

constexpr uint64_t kSector = 512;

void Overwrite(std::vector<std::byte>& bytes, uint64_t offset, std::span<const std::byte> src) {
  if (src.empty()) return;
  if (bytes.size() < offset + src.size()) bytes.resize(offset + src.size());
  std::copy(src.begin(), src.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

void DiskFile::Write(uint64_t offset, std::span<const std::byte> src) {
  Overwrite(current_, offset, src);
  pending_.push_back(Change{offset, std::vector<std::byte>(src.begin(), src.end()), std::nullopt});
}

void DiskFile::Truncate(uint64_t size) {
  current_.resize(size);
  pending_.push_back(Change{0, {}, size});
}

void DiskFile::Sync() {
  // Not `durable_ = current_`: a log that is appended to and synced often would copy itself each
  // time.
  for (const Change& change : pending_) {
    if (change.new_size.has_value()) durable_.resize(*change.new_size);
    Overwrite(durable_, change.offset, change.bytes);
  }
  pending_.clear();
}

void DiskFile::Cut(base::PhiloxStream& random, double probability) {
  for (const Change& change : pending_) {
    if (change.new_size.has_value() && random.NextDouble() < probability)
      durable_.resize(*change.new_size);
    // Dropping the later of two writes to a sector is the same as their changing places.
    for (uint64_t begin = 0; begin < change.bytes.size();) {
      const uint64_t room = kSector - (change.offset + begin) % kSector;
      const uint64_t length = std::min<uint64_t>(room, change.bytes.size() - begin);
      if (random.NextDouble() < probability) {
        Overwrite(durable_, change.offset + begin, std::span(change.bytes).subspan(begin, length));
      }
      begin += length;
    }
  }
  pending_.clear();
  current_ = durable_;
}

void PowerCutDisk::Apply(std::vector<Change> changes) {
  for (const Change& change : changes) {
    if (change.node == nullptr) {
      change.dir->entries.erase(change.name);
    } else {
      change.dir->entries[change.name] = change.node;
    }
  }
  pending_.push_back(std::move(changes));
}

void PowerCutDisk::Settle(size_t index) {
  const Group group = std::move(pending_[index]);
  pending_[index].clear();
  for (const Change& change : group) {
    if (change.node == nullptr) {
      change.dir->durable_entries.erase(change.name);
    } else {
      change.dir->durable_entries[change.name] = change.node;
    }
    for (size_t older = 0; older < index; ++older) {
      std::erase_if(pending_[older], [&change](const Change& other) {
        return other.dir == change.dir && other.name == change.name;
      });
    }
  }
}

void PowerCutDisk::SyncDir(const DiskNode& dir) {
  for (size_t i = 0; i < pending_.size(); ++i) {
    const bool touches =
        std::any_of(pending_[i].begin(), pending_[i].end(),
                    [&dir](const Change& change) { return change.dir.get() == &dir; });
    if (touches) Settle(i);
  }
  std::erase_if(pending_, [](const Group& group) { return group.empty(); });
}

void PowerCutDisk::Cut(uint64_t seed) {
  base::PhiloxStream random(
      base::RandomKey{.seed = seed, .purpose = base::RandomPurpose::kTest, .index = 0, .step = 0});
  // Nothing kept and everything kept are cases of their own that chance alone would hardly ever
  // draw.
  constexpr std::array<double, 4> kProbabilities = {0, 0.5, 0.9, 1};
  const double probability = kProbabilities[random.NextBelow(4)];
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (random.NextDouble() < probability) Settle(i);
  }
  pending_.clear();
  CutBelow(*root_, random, probability);
}

void PowerCutDisk::CutBelow(DiskNode& node, base::PhiloxStream& random, double probability) {
  node.entries = node.durable_entries;
  if (!node.is_directory) node.file.Cut(random, probability);
  for (auto& [name, child] : node.entries) CutBelow(*child, random, probability);
}

}  // namespace gradus::test_support
