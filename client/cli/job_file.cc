// SPDX-License-Identifier: Apache-2.0
// Reads, parses, sets.
#include "client/cli/job_file.h"

#include "absl/strings/str_cat.h"
#include "client/cli/text_file.h"
#include "proto/support/parse.h"
#include "proto/support/set_path.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

constexpr size_t kMostBytes = 1 << 20;

}  // namespace

absl::StatusOr<v1::JobSpec> ReadJobFile(const std::string& path,
                                        const std::vector<std::string>& settings) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, kMostBytes));
  absl::StatusOr<v1::JobSpec> spec = support::Parse<v1::JobSpec>(text);
  if (!spec.ok()) return support::Annotate(spec.status(), path == "-" ? "standard input" : path);
  for (const std::string& setting : settings) {
    const absl::Status set = support::ApplySetting(setting, *spec);
    // A word of the command line, unlike the file's, is wrong usage.
    if (!set.ok()) return support::UsageError(absl::StrCat("--set ", set.message()));
  }
  return spec;
}

}  // namespace gradus::cli
