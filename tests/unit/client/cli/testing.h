// SPDX-License-Identifier: Apache-2.0
// The command line client inside a test: words in, output and exit status back.
#pragma once

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "client/cli/cli.h"
#include "tests/unit/client/lib/testing.h"

namespace gradus::testing {

class CliTest : public ::testing::Test {
 protected:
  int Run(const std::vector<std::string>& words) {
    out_stream.str("");
    err_stream.str("");
    const cli::Terminal terminal{out_stream, err_stream, is_terminal, [this] { return width; }};
    const auto connect = [this](const std::string&) -> absl::StatusOr<Client> {
      return Client(server, Impatient());
    };
    const auto interrupt = [this](std::stop_source stop) {
      if (interrupted) stop.request_stop();
    };
    return cli::Run(words, {terminal, connect, interrupt});
  }
  std::string out() const { return out_stream.str(); }
  std::string err() const { return err_stream.str(); }

  std::shared_ptr<FakeConnection> server = std::make_shared<FakeConnection>();
  Folder folder;
  bool is_terminal = false;
  bool interrupted = false;
  int width = 80;
  std::ostringstream out_stream;
  std::ostringstream err_stream;
};

}  // namespace gradus::testing
