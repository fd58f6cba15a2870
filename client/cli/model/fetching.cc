// SPDX-License-Identifier: Apache-2.0
// Formats and interrupts of fetches.
#include "client/cli/model/fetching.h"

#include "absl/strings/str_cat.h"
#include "proto/support/status.h"

namespace gradus::cli {

absl::StatusOr<v1::FetchModelRequest::Format> FormatOf(const std::string& word) {
  if (word == "safetensors") return v1::FetchModelRequest::SAFETENSORS;
  if (word == "onnx") return v1::FetchModelRequest::ONNX;
  return support::UsageError(absl::StrCat("--format: ", word, " is not safetensors or onnx"));
}

absl::Status SayHowItGoesOn(const absl::Status& fetched, const Session& session) {
  if (absl::IsCancelled(fetched) && session.stop().stop_requested())
    return absl::CancelledError("stopped; the same command goes on where it was");
  return fetched;
}

}  // namespace gradus::cli
