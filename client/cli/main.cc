// SPDX-License-Identifier: Apache-2.0
// `gradus`, the command line client: the real terminal, the real server.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cli/cli.h"
#include "client/cli/interrupts.h"
#include "gradus/client.h"
#include "gradus/profile.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

int TerminalWidth() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* columns = std::getenv("COLUMNS");
  int width = 0;
  return columns != nullptr && absl::SimpleAtoi(columns, &width) && width > 0 ? width : 80;
}

absl::StatusOr<Client> ConnectTo(const std::string& path) {
  ASSIGN_OR_RETURN(const Profile profile, LoadProfile(path));
  RetryOptions options;
  // A person waits: a server that is away is told of soon.
  options.deadline = absl::Seconds(10);
  return Client::Connect(profile, options);
}

int Main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  // What gRPC itself has to say about a lost connection is no help to a person.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  const Terminal terminal{std::cout, std::cerr, isatty(STDOUT_FILENO) == 1, TerminalWidth};
  const Environment environment{terminal, ConnectTo, TakeInterrupts};
  const int status = Run({argv + 1, argv + argc}, environment);
  if (std::cout.flush()) return status;
  // A full disk, or a pipe that nobody reads: half an answer is none.
  std::cerr << "gradus: the output could not be written whole\n";
  return std::max(status, 1);
}

}  // namespace
}  // namespace gradus::cli

int main(int argc, char** argv) { return gradus::cli::Main(argc, argv); }
