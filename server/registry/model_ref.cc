// SPDX-License-Identifier: Apache-2.0
// Reading references.
#include "server/registry/model_ref.h"

#include <algorithm>
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
constexpr std::string_view kDigestWord = "sha256";

absl::Status BadRef(const std::string& text) {
  return base::InvalidArgument(
      "ref", absl::StrCat("\"", base::Shown(text), "\""),
      "a model reference: name, name@VERSION, name@ALIAS or name@sha256:DIGEST");
}

bool IsAlias(const std::string& text) {
  return base::IsName(text) && text != kDigestWord &&
         !std::all_of(text.begin(), text.end(),
                      [](unsigned char c) { return absl::ascii_isdigit(c); });
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
  if (IsAlias(which)) {
    ref.alias = which;
    return ref;
  }
  // One version has one spelling: no sign, no zeros in front.
  if (which.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(which.front())) ||
      which.front() == '0' || !absl::SimpleAtoi(which, &ref.version)) {
    return BadRef(text);
  }
  return ref;
}

absl::Status CheckAlias(const std::string& alias) {
  if (IsAlias(alias)) return absl::OkStatus();
  return base::InvalidArgument("alias", absl::StrCat("\"", base::Shown(alias), "\""),
                               "an alias: 1 to 128 letters, digits, '_', '-' or '.', not starting "
                               "with '.', not digits alone "
                               "and not \"sha256\"");
}

std::string VersionRef(const std::string& name, int64_t version) {
  return absl::StrCat(name, "@", version);
}

}  // namespace gradus::registry
