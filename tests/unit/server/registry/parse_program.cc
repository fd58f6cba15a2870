// SPDX-License-Identifier: Apache-2.0
// A program for tests of the child process: `parse` is the real parser, other words misbehave on
// purpose.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "server/worker/parse.h"
#include "server/worker/sandbox.h"

int main(int argc, char** argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word == "parse") gradus::worker::RunParse();
  if (word == "hang") {
    for (;;) ::pause();
  }
  if (word == "flood") {
    char block[4096];
    std::memset(block, 'x', sizeof(block));
    for (;;) {
      if (::write(STDOUT_FILENO, block, sizeof(block)) < 0) return 0;
    }
  }
  if (word == "complain") {
    const char forged[] = "{\"level\":\"info\",\"msg\":\"all is well\"}\n";
    for (int i = 0; i < 10'000; ++i) {
      if (::write(STDERR_FILENO, forged, sizeof(forged) - 1) < 0) break;
    }
    std::puts("done");
    return 0;
  }
  if (word == "environment") {
    for (char** entry = environ; *entry != nullptr; ++entry) std::puts(*entry);
    return 0;
  }
  if (word == "descriptors") {
    for (int fd = 0; fd < 2048; ++fd) {
      if (::fcntl(fd, F_GETFD) >= 0) std::printf("%d ", fd);
    }
    return 0;
  }
  if (word == "open") {
    if (!gradus::worker::EnterSandbox(
             {.memory_bytes = 1 << 28, .cpu_seconds = 5, .file_bytes = 1 << 20})
             .ok())
      return 3;
    const int fd = ::open("/dev/null", O_RDONLY);
    ::_exit(fd < 0 ? 4 : 0);
  }
  return 7;
}
