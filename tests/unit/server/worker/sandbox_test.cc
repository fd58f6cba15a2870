// SPDX-License-Identifier: Apache-2.0
// What a confined process may still do.
#include "server/worker/sandbox.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace gradus::worker {
namespace {

// The signal that ends a process that confines itself and sends `signal` to `target` (0: itself),
// or 0 where it goes on.
int EndOf(pid_t target, int signal) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!CloseSandbox().ok()) ::_exit(1);
    const pid_t to = target == 0 ? ::getpid() : target;
    ::syscall(SYS_tgkill, to, to, signal);
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(Sandbox, AProcessSendsSignalsToItselfAlone) {
#if defined(GRADUS_SANITIZED)
  GTEST_SKIP() << "a sanitizer needs more than the filter permits";
#endif
  EXPECT_EQ(EndOf(0, SIGTERM), SIGTERM);
  // Signal 0 asks whether one could be sent.
  EXPECT_EQ(EndOf(::getpid(), 0), SIGSYS);
}

}  // namespace
}  // namespace gradus::worker
