// SPDX-License-Identifier: Apache-2.0
// Ranks over MPI: what holds for every group. Run by mpirun, each process is one rank; what ends a
// group is run by itself, since MPI then does not end well.
#include "engine/collective/mpi_group.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/engine/collective/group_properties.h"

namespace gradus::collective {
namespace {

// MPI is initialized once a process.
class World : public testing::Environment {
 public:
  void SetUp() override {
    auto started = MpiProcess::Start({});
    ASSERT_TRUE(started.ok()) << started.status();
    process = *std::move(started);
  }
  void TearDown() override { process.reset(); }

  static std::unique_ptr<MpiProcess> process;
};
std::unique_ptr<MpiProcess> World::process;
const testing::Environment* const environment = testing::AddGlobalTestEnvironment(new World);

class MpiGroups : public testing::TestWithParam<GroupProperty> {};

std::string NameOf(const testing::TestParamInfo<GroupProperty>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, MpiGroups, testing::ValuesIn(GroupProperties()), NameOf);
INSTANTIATE_TEST_SUITE_P(Last, MpiGroups, testing::ValuesIn(LastProperties()), NameOf);

TEST_P(MpiGroups, Hold) {
  const auto group = World::process->Join();
  ASSERT_TRUE(group.ok()) << group.status();
  EXPECT_EQ((*group)->size(), 4);
  GetParam().run(**group);
}

}  // namespace
}  // namespace gradus::collective
