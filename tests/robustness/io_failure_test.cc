// SPDX-License-Identifier: Apache-2.0
// The N-th write, sync, rename or truncation of gradusd below its data folder fails, for every N:
// it acknowledges nothing more, syncs nothing again, ends, and its next start recovers
// (GUARANTEES.md, G3).
#include <algorithm>
#include <random>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "gtest/gtest.h"
#include "tests/robustness/server_kill_script.h"
#include "tests/robustness/test_form.h"
#include "tests/support/temp_dir.h"

namespace gradus::test {
namespace {

struct Place {
  const char* operation;
  const char* below;  // in the data folder; all of it for ""
  uint64_t stride;    // of the short form
};

// The database is most of all that is written: the other folders are walked by themselves.
constexpr Place kPlaces[] = {
    {"write", "/gradus.db", 150}, {"write", "/tls", 3}, {"write", "/uploads", 1},
    {"write", "/blobs", 1},       {"fsync", "", 20},    {"rename", "", 4},
    {"ftruncate", "", 1},
};

class IoFailure : public ::testing::TestWithParam<std::tuple<Place, const char*>> {
 protected:
  // False when there are fewer operations.
  bool FailNth(uint64_t n) {
    SCOPED_TRACE(absl::StrCat("operation ", n));
    const auto& [place, error] = GetParam();
    const test_support::TempDir dir;
    KillScript script({.ending = 1, .steps = 20, .only_kept = true});
    script.Arm({{"LD_PRELOAD", GRADUS_IO_FAULT_LIBRARY},
                {"GRADUS_IO_FAULT", absl::StrCat(place.operation, ":", n, ":", error)},
                {"GRADUS_IO_FAULT_PREFIX", absl::StrCat(script.data_dir(), place.below)},
                {"GRADUS_IO_FAULT_PROGRAM", "gradusd"},
                {"GRADUS_IO_FAULT_MARK", dir / "mark"}});
    script.Run();
    const std::string mark = base::ReadFile(base::RealFiles(), dir / "mark", 1 << 16).value_or("");
    // A database that is being made has a journal first, and SQLite syncs again when it rolls back.
    const bool is_new_file = script.died_starting() && HasPath(mark, script, "/gradus.db");
    EXPECT_TRUE(is_new_file || mark.find("sync retried") == std::string::npos) << mark;
    // SQLite keeps to itself when the folder of its log cannot be synced; the server has done that
    // before, and it syncs whatever else it puts there.
    if (MustEnd(mark) && !HasPath(mark, script, "")) {
      EXPECT_EQ(script.deaths(), 1) << "it went on after: " << mark;
    }
    EXPECT_LE(script.deaths(), mark.empty() ? 0 : 1);
    return !mark.empty();
  }

  static bool HasPath(const std::string& mark, const KillScript& script, const std::string& entry) {
    return mark.starts_with(absl::StrCat("failed ", script.data_dir(), entry, "\n"));
  }

  // A full disk is no fault where the server only refuses what does not fit: it is asked again.
  static bool MustEnd(const std::string& mark) {
    const auto& [place, error] = GetParam();
    const bool is_fault = error == std::string("EIO") || place.operation == std::string("fsync") ||
                          mark.find("/gradus.db") != std::string::npos;
    return !mark.empty() && is_fault;
  }
};

// The long form (GRADUS_IO_STRIDE=1) fails every operation, the short one some.
TEST_P(IoFailure, EndsTheServerAndLosesNothing) {
  const uint64_t stride = FormNumber("GRADUS_IO_STRIDE", std::get<0>(GetParam()).stride);
  uint64_t n = 1 + FormNumber("GRADUS_SEED", std::random_device()()) % stride;
  const uint64_t first = n;
  while (FailNth(n) && !HasFailure()) n += stride;
  EXPECT_GT(n, first) << "nothing was failed";
}

std::string NameOf(const ::testing::TestParamInfo<IoFailure::ParamType>& info) {
  const auto& [place, error] = info.param;
  std::string name = absl::StrCat(place.operation, place.below, "_", error);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Walk, IoFailure,
                         ::testing::Combine(::testing::ValuesIn(kPlaces),
                                            ::testing::Values("EIO", "ENOSPC")),
                         NameOf);

}  // namespace
}  // namespace gradus::test
