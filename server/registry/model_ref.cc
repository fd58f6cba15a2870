// SPDX-License-Identifier: Apache-2.0
// Reading references.
#include "server/registry/model_ref.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"

namespace gradus::registry {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:";

absl::Status BadRef(const std::string& text) {
  return base::InvalidArgument("ref", absl::StrCat("\"", base::Shown(text), "\""),
                               "a model reference: name, name@VERSION or name@sha256:DIGEST");
}

}  // namespace

absl::StatusOr<ModelRef> ParseModelRef(const std::string& text) {
  const size_t at = text.find('@');
  ModelRef ref;
  ref.name = text.substr(0, at);
  if (!base::IsName(ref.name)) return BadRef(text);
  if (at == std::string::npos) return ref;
  const std::string which = text.substr(at + 1);
  if (which.starts_with(kDigestPrefix)) {
    ref.digest = which.substr(kDigestPrefix.size());
    if (!base::ParseSha256(ref.digest).ok()) return BadRef(text);
    return ref;
  }
  // One version has one spelling: no sign, no zeros in front.
  if (which.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(which.front())) ||
      which.front() == '0' || !absl::SimpleAtoi(which, &ref.version)) {
    return BadRef(text);
  }
  return ref;
}

std::string VersionRef(const std::string& name, int64_t version) {
  return absl::StrCat(name, "@", version);
}

}  // namespace gradus::registry
