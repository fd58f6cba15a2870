// SPDX-License-Identifier: Apache-2.0
// Edges of images that are added or left out.
#include "engine/layers/edges.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::layers {

absl::Status FillEdges(absl::string_view path, google::protobuf::RepeatedField<int64_t>* edges,
                       int64_t fallback) {
  constexpr int64_t kMost = 16'384;
  if (edges->empty()) edges->Add(fallback);
  if (edges->size() == 1) edges->Add(edges->Get(0));
  if (edges->size() == 2) {
    const int64_t height = edges->Get(0);
    const int64_t width = edges->Get(1);
    edges->Clear();
    for (const int64_t edge : {height, height, width, width}) edges->Add(edge);
  }
  if (edges->size() != 4)
    return base::InvalidArgument(path, absl::StrCat(edges->size(), " numbers"),
                                 "one number, two or four");
  for (int i = 0; i < 4; ++i) {
    if (edges->Get(i) < 0 || edges->Get(i) > kMost)
      return base::InvalidArgument(absl::StrCat(path, "[", i, "]"), absl::StrCat(edges->Get(i)),
                                   absl::StrCat("a number from 0 to ", kMost));
  }
  return absl::OkStatus();
}

std::vector<double> BorderReference(const kernels::Border& b, const std::vector<double>& x) {
  std::vector<double> y;
  for (int64_t row = 0; row < b.dst_height; ++row) {
    for (int64_t column = 0; column < b.dst_width; ++column) {
      const int64_t r = row - b.top;
      const int64_t c = column - b.left;
      const bool inside = r >= 0 && r < b.src_height && c >= 0 && c < b.src_width;
      for (int64_t i = 0; i < b.channels; ++i) {
        const int64_t at = (r * b.src_width + c) * b.channels + i;
        y.push_back(inside ? x[static_cast<size_t>(at)] : 0);
      }
    }
  }
  return y;
}

}  // namespace gradus::layers
