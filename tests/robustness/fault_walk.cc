// SPDX-License-Identifier: Apache-2.0
// One machine a case: its disk, its clock, the ranks on it, and servers one after the other.
#include "tests/robustness/fault_walk.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/log.h"
#include "engine/base/philox.h"
#include "engine/base/status.h"
#include "server/store/verify.h"
#include "tests/support/failing_files.h"
#include "tests/support/power_cut_files.h"

namespace gradus::robustness {
namespace {

using test_support::FailingFiles;
using test_support::FakeClock;
using test_support::FakeExecutor;
using test_support::kChangingOps;
using test_support::PowerCutFiles;

constexpr int64_t kMinute = 60'000'000;
// A cut of a recovery comes within so many operations: its start, and a good part of a flow.
constexpr uint32_t kRecovery = 150;
// Within so many it comes before the next server has written anything of its own.
constexpr uint32_t kEarlyRecovery = 6;

const char* NameOf(Fault fault) {
  constexpr const char* kNames[] = {"power cut", "kill", "EIO", "ENOSPC", "lost sync"};
  return kNames[static_cast<size_t>(fault)];
}

absl::Status CheckVerified(StoredServer& server) {
  ASSIGN_OR_RETURN(const std::vector<std::string> findings,
                   store::Verify(server.store(), server.blobs()));
  EXPECT_TRUE(findings.empty()) << absl::StrJoin(findings, "\n");
  return absl::OkStatus();
}

class Case {
 public:
  Case(Fault fault, uint64_t seed, uint64_t n, Flow& flow)
      : fault_(fault),
        n_(n),
        random_({.seed = seed, .step = n}),
        harder_(seed % 2 == 1),
        flow_(flow) {}

  // False when the flow was through before the fault.
  bool Play(WalkReport& report) {
    ++report.cases;
    const bool hit = PlayFault(report);
    if (fault_ == Fault::kPowerCut || !hit) LosePower();
    if (harder_) MakeHarder();
    PlayToTheEnd("the server after the fault");
    LosePower();
    PlayToTheEnd("the server after the last power cut");
    return hit;
  }

 private:
  // What was armed, and whether it has happened.
  void Arm(FailingFiles& files) {
    if (fault_ == Fault::kPowerCut) disk_.TurnOffAfter(n_);
    if (fault_ == Fault::kKill)
      files.FailNth(n_ + 1, kChangingOps, EIO, FailingFiles::Then::kStaysBroken);
    if (fault_ == Fault::kEio) files.FailNth(n_ + 1, kChangingOps, EIO);
    if (fault_ == Fault::kEnospc) files.FailNth(n_ + 1, kChangingOps, ENOSPC);
    if (fault_ == Fault::kLostSync) disk_.LoseSyncAfter(n_);
  }
  bool Hit(const FailingFiles& files) const {
    return files.failed() || disk_.sync_lost() || disk_.off();
  }

  // One server, up to its end or its failure.
  struct Life {
    absl::Status status;
    bool served = false;   // it has started
    bool in_use = false;   // the fault happened before it was closed
    bool hit = false;      // the fault has happened
    bool stopped = false;  // the store has told of a fault
  };

  bool PlayFault(WalkReport& report) {
    FailingFiles files(disk_);
    Arm(files);
    const Life life = Live(files);
    // A dead process syncs nothing, and a database that was just being made is undone by SQLite.
    if (life.served && fault_ != Fault::kKill) {
      EXPECT_EQ(files.retried_syncs(), 0u);
    }
    EXPECT_TRUE(life.hit || life.status.ok()) << life.status;
    if (fault_ == Fault::kLostSync && life.served) {
      EXPECT_EQ(life.stopped, life.in_use);
    }
    report.broken_off += life.status.ok() ? 0 : 1;
    report.stopped += life.stopped ? 1 : 0;
    return life.hit;
  }

  // The machine goes down too, or once more.
  void MakeHarder() {
    // A lost sync and a cut while the next server reads that log are more than SQLite promises.
    if (fault_ == Fault::kLostSync) return;
    disk_.TurnOffAfter(random_.NextBelow(random_.NextBelow(2) == 0 ? kEarlyRecovery : kRecovery));
    FailingFiles files(disk_);
    Live(files);
    LosePower();
  }

  // The server dies when the flow is done.
  void PlayToTheEnd(const char* which) {
    SCOPED_TRACE(which);
    clock_.Advance(kMinute);
    FailingFiles files(disk_);
    const auto server = StoredServer::Start(files, clock_, *executor_);
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ(CheckVerified(**server), absl::OkStatus());
    EXPECT_EQ(flow_.Go(**server), absl::OkStatus());
    EXPECT_EQ(CheckVerified(**server), absl::OkStatus());
    files.FailNth(1, kChangingOps, EIO, FailingFiles::Then::kStaysBroken);
  }

  Life Live(FailingFiles& files) {
    clock_.Advance(kMinute);
    Life life;
    absl::StatusOr<std::unique_ptr<StoredServer>> server =
        StoredServer::Start(files, clock_, *executor_);
    life.served = server.ok();
    life.status = server.ok() ? Use(**server) : server.status();
    life.stopped = server.ok() && (*server)->faults() > 0;
    if (life.stopped) CheckStopped(**server);
    life.in_use = Hit(files);
    // What was stopped is dead; all others close, which may meet the fault, too.
    if (life.stopped) files.FailNth(1, kChangingOps, EIO, FailingFiles::Then::kStaysBroken);
    if (server.ok()) server->reset();
    life.hit = life.in_use || Hit(files);
    return life;
  }

  absl::Status Use(StoredServer& server) {
    RETURN_IF_ERROR(CheckVerified(server));
    const absl::Status status = flow_.Go(server);
    // A call that failed without ending the server may be repeated.
    return status.ok() || server.faults() > 0 ? status : flow_.Go(server);
  }

  void CheckStopped(StoredServer& server) {
    const int acknowledged = flow_.acknowledged();
    EXPECT_FALSE(flow_.Go(server).ok());
    EXPECT_EQ(flow_.acknowledged(), acknowledged);
    EXPECT_EQ(server.faults(), 1);
  }

  void LosePower() {
    disk_.PowerCut(random_.Next());
    executor_ = std::make_unique<FakeExecutor>();
  }

  const Fault fault_;
  const uint64_t n_;
  base::PhiloxStream random_;
  const bool harder_;
  Flow& flow_;
  PowerCutFiles disk_;
  FakeClock clock_;
  std::unique_ptr<FakeExecutor> executor_ = std::make_unique<FakeExecutor>();
};

// Operations of a first start that a fault counts.
uint64_t StartOperations(Fault fault) {
  PowerCutFiles disk;
  FailingFiles files(disk);
  FakeClock clock;
  FakeExecutor executor;
  const auto server = StoredServer::Start(files, clock, executor);
  EXPECT_TRUE(server.ok()) << server.status();
  if (fault == Fault::kPowerCut) return disk.changes();
  if (fault == Fault::kLostSync) return files.count(test_support::FileOp::kSync);
  uint64_t count = 0;
  for (const test_support::FileOp op : kChangingOps) count += files.count(op);
  return count;
}

WalkReport WalkRange(uint64_t first, uint64_t end, Fault fault,
                     const std::function<std::unique_ptr<Flow>()>& new_flow) {
  base::SetLogSink([](std::string_view) {});
  const absl::Cleanup restore = [] { base::SetLogSink(nullptr); };
  const char* asked = std::getenv("GRADUS_POWER_CUTS");
  const bool all = asked != nullptr && std::string_view(asked) == "all";
  // There are few syncs among the operations.
  const uint64_t stride = all ? 1 : fault == Fault::kLostSync ? 2 : 3;
  const uint64_t seeds = all ? 8 : 2;
  WalkReport report;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    for (uint64_t n = first + seed * stride / seeds; n < end; n += stride) {
      SCOPED_TRACE(absl::StrCat(NameOf(fault), " at operation ", n, ", seed ", seed));
      const std::unique_ptr<Flow> flow = new_flow();
      const bool hit = Case(fault, seed, n, *flow).Play(report);
      if (::testing::Test::HasFailure()) return report;
      if (!hit) break;
    }
  }
  return report;
}

}  // namespace

WalkReport Walk(Fault fault, const std::function<std::unique_ptr<Flow>()>& new_flow) {
  return WalkRange(StartOperations(fault), UINT64_MAX, fault, new_flow);
}

WalkReport WalkFirstStart(Fault fault, const std::function<std::unique_ptr<Flow>()>& new_flow) {
  return WalkRange(0, StartOperations(fault), fault, new_flow);
}

}  // namespace gradus::robustness
