// SPDX-License-Identifier: Apache-2.0
// What the machine is said to have, it has.
#include "engine/base/cpu.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace gradus::base {
namespace {

TEST(Cpu, PinningNarrowsTheUsableCores) {
  const std::vector<int> all = UsableCpus();
  ASSERT_FALSE(all.empty());
  std::vector<int> seen;
  absl::Status status;
  std::thread([&] {
    status = PinThisThread(std::vector<int>{all.front()});
    seen = UsableCpus();
  }).join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(seen, std::vector<int>{all.front()});
  EXPECT_EQ(UsableCpus(), all);
}

TEST(Cpu, CoresThatAreNotThereAreRefused) {
  for (const int cpu : {-1, 4095, 1000000})
    EXPECT_FALSE(PinThisThread(std::vector<int>{cpu}).ok()) << cpu;
  EXPECT_FALSE(PinThisThread({}).ok());
}

TEST(Cpu, MemoryFiguresAreInOrder) {
  EXPECT_GT(ResidentBytes(), 0U);
  EXPECT_LE(ResidentBytes(), PeakResidentBytes() + (1 << 20U));
  EXPECT_GT(MachineMemoryBytes(), PeakResidentBytes());
}

TEST(Cpu, TheInstructionSetHasAName) { EXPECT_FALSE(IsaName().empty()); }

}  // namespace
}  // namespace gradus::base
