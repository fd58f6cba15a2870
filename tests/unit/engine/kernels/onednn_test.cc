// SPDX-License-Identifier: Apache-2.0
// What checkpoints note of the library.
#include "engine/kernels/onednn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::kernels {
namespace {

TEST(Onednn, SaysItsVersion) {
  EXPECT_THAT(OnednnVersion(), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace gradus::kernels
