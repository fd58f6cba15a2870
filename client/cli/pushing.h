// SPDX-License-Identifier: Apache-2.0
// What commands that send files have in common.
#pragma once

#include "absl/status/status.h"
#include "client/cli/session.h"
#include "gradus/data_push.h"

namespace gradus::cli {

// What is said of a push that an interrupt has ended: how it goes on. Else the status itself.
absl::Status SayHowPushGoesOn(const absl::Status& pushed, const Session& session);

// One line, drawn over what was drawn before.
void DrawPush(const Output& out, const PushProgress& progress);

// Calls `push` with options that show how far it is, on a terminal.
template <typename Push>
auto WatchedPush(const Session& session, const Push& push) {
  const Output& out = session.out();
  const bool drawn = out.people() && out.is_terminal();
  PushOptions options;
  if (drawn) options.progress = [&out](const PushProgress& progress) { DrawPush(out, progress); };
  auto pushed = push(options);
  if (drawn) out.Draw("\r\x1b[K");
  return pushed;
}

}  // namespace gradus::cli
