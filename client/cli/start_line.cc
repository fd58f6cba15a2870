// SPDX-License-Identifier: Apache-2.0
#include "client/cli/start_line.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gradus::cli {
namespace {

std::string ModelOf(const v1::TensorStart& start) {
  return start.from().substr(0, start.from().find('/'));
}

std::string Tensors(int64_t count) {
  return absl::StrCat(count, count == 1 ? " tensor" : " tensors");
}

}  // namespace

std::string StartLine(const google::protobuf::RepeatedPtrField<v1::TensorStart>& tensors) {
  std::map<std::string, int64_t> loaded;
  std::map<std::string, int64_t> skipped;
  int64_t anew = 0;
  std::vector<std::string> mismatches;
  for (const v1::TensorStart& start : tensors) {
    switch (start.start()) {
      case v1::TensorStart::LOADED:
        ++loaded[ModelOf(start)];
        break;
      case v1::TensorStart::SKIPPED:
        ++skipped[ModelOf(start)];
        break;
      case v1::TensorStart::MISMATCHED:
        mismatches.push_back(absl::StrCat(start.tensor(), " (", start.reason(), ")"));
        [[fallthrough]];
      default:
        ++anew;
    }
  }
  std::vector<std::string> parts;
  for (const auto& [model, count] : loaded)
    parts.push_back(absl::StrCat(Tensors(count), " from ", model));
  if (anew > 0) parts.push_back(absl::StrCat(anew, anew == 1 ? " starts anew" : " start anew"));
  for (const auto& [model, count] : skipped)
    parts.push_back(
        absl::StrCat(count, " of ", model, count == 1 ? " is not taken" : " are not taken"));
  std::string line = absl::StrJoin(parts, ", ");
  if (!mismatches.empty())
    absl::StrAppend(&line, "; anew since they differ: ", absl::StrJoin(mismatches, ", "));
  return line;
}

}  // namespace gradus::cli
