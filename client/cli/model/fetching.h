// SPDX-License-Identifier: Apache-2.0
// What commands that fetch models have in common.
#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "gradus/model_fetch.h"

namespace gradus::cli {

// "safetensors" or "onnx"; UsageError for other words.
absl::StatusOr<v1::FetchModelRequest::Format> FormatOf(const std::string& word);

// Calls `fetch` with options that show how far it is, on a terminal.
template <typename Fetch>
auto Watched(FetchOptions options, const Session& session, const Fetch& fetch) {
  const Output& out = session.out();
  const bool drawn = out.people() && out.is_terminal();
  if (drawn) {
    options.progress = [&out](int64_t done, int64_t total) {
      out.Draw(absl::StrFormat("\r\x1b[K%s of %s", ByteSize(done), ByteSize(total)));
    };
  }
  auto fetched = fetch(options);
  if (drawn) out.Draw("\r\x1b[K");
  return fetched;
}

// What is said of a fetch that an interrupt has ended: how it goes on. Else the status itself.
absl::Status SayHowItGoesOn(const absl::Status& fetched, const Session& session);

}  // namespace gradus::cli
