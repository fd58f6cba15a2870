// SPDX-License-Identifier: Apache-2.0
// What a running command has: its output, the server, and the wish of the person at the keyboard to
// stop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/output.h"
#include "gradus/client.h"

namespace gradus::cli {

// The world outside; tests put another one here.
struct Environment {
  Terminal terminal;
  // Opens the server of the profile (a file name; empty for the usual places).
  std::function<absl::StatusOr<Client>(const std::string& profile)> connect;
  // Calls request_stop at the first Ctrl-C; a second one ends the process.
  std::function<void(std::stop_source)> on_interrupt;
};

class Session {
 public:
  Session(const Environment& environment, Output::Mode mode, std::string profile)
      : environment_(environment), out_(environment.terminal, mode), profile_(std::move(profile)) {}

  const Output& out() const { return out_; }
  const std::string& profile() const { return profile_; }

  // The server, connected to at the first call.
  absl::StatusOr<Client> Connect();
  // The same output with another profile.
  Session WithProfile(const std::string& profile) const { return {environment_, out_, profile}; }
  // From now on Ctrl-C does not end the process but asks for a stop. Before the first Connect.
  void TakeInterrupts();
  std::stop_token stop() const { return stop_.get_token(); }

 private:
  Session(const Environment& environment, const Output& out, std::string profile)
      : environment_(environment), out_(out), profile_(std::move(profile)) {}

  const Environment& environment_;
  const Output out_;
  const std::string profile_;
  std::stop_source stop_;
  std::optional<Client> client_;
};

}  // namespace gradus::cli
