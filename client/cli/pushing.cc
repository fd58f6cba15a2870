// SPDX-License-Identifier: Apache-2.0
#include "client/cli/pushing.h"

#include "absl/strings/str_format.h"
#include "client/cli/text.h"

namespace gradus::cli {

absl::Status SayHowPushGoesOn(const absl::Status& pushed, const Session& session) {
  const bool interrupted = absl::IsCancelled(pushed) && session.stop().stop_requested();
  return interrupted ? absl::CancelledError("stopped; the same command goes on where it was")
                     : pushed;
}

void DrawPush(const Output& out, const PushProgress& progress) {
  constexpr const char* kPhases[] = {"reading", "sending", "the server reads"};
  const double percent = progress.total > 0 ? 100.0 * static_cast<double>(progress.done) /
                                                  static_cast<double>(progress.total)
                                            : 0;
  out.Draw(absl::StrFormat("\r\x1b[K%s  %s of %s  %.0f %%",
                           kPhases[static_cast<size_t>(progress.phase)], ByteSize(progress.done),
                           ByteSize(progress.total), percent));
}

}  // namespace gradus::cli
