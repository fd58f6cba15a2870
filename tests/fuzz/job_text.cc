// SPDX-License-Identifier: Apache-2.0
// From the text of a job file to the message; job_spec.cc goes on from there.
#include <string>

#include "engine/base/status.h"
#include "gradus/v1/job.pb.h"
#include "proto/support/parse.h"
#include "proto/support/print.h"
#include "proto/support/yaml_printer.h"
#include "tests/fuzz/same_message.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

// Aliases make a message larger than its text, and larger than the longest text that is read.
constexpr size_t kLongestText = 1 << 20;

void RequireSame(const std::string& printed, const v1::JobSpec& spec, std::string_view what) {
  if (printed.size() > kLongestText) return;
  const auto again = support::Parse<v1::JobSpec>(printed);
  Require(again.ok() && BytesOf(*again) == BytesOf(spec), what);
}

absl::Status Run(std::span<const std::byte> bytes) {
  const absl::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ASSIGN_OR_RETURN(const v1::JobSpec spec, support::Parse<v1::JobSpec>(text));
  RequireSame(support::PrintYaml(spec), spec, "what is printed as YAML says the same");
  const auto json = support::PrintJson(spec);
  if (json.ok()) RequireSame(*json, spec, "what is printed as JSON says the same");
  return absl::OkStatus();
}

}  // namespace

extern constinit const FuzzTarget job_text_kind = {.name = "job_text", .run = Run};

}  // namespace gradus::fuzz
