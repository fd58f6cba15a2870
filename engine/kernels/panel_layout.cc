// SPDX-License-Identifier: Apache-2.0
// Panels, and columns cut into blocks of them.
#include "engine/kernels/panel_layout.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/kernels/vector/functions.h"
#include "engine/kernels/vector/panels.h"

namespace gradus::kernels {
namespace {

class PanelLayout final : public WeightLayout {
 public:
  PanelLayout(int64_t inputs, std::vector<int64_t> blocks, int64_t lanes)
      : inputs_(inputs), blocks_(std::move(blocks)), lanes_(lanes) {}

  size_t floats() const override {
    int64_t sum = 0;
    for (const int64_t units : blocks_) sum += Panels{inputs_, units, lanes_}.floats();
    return static_cast<size_t>(sum);
  }
  void FromPublic(const float* src, float* dst) const override {
    std::fill_n(dst, floats(), 0.0F);
    ForEach([&](int64_t published, int64_t inside) { dst[inside] = src[published]; });
  }
  void ToPublic(const float* src, float* dst) const override {
    ForEach([&](int64_t published, int64_t inside) { dst[published] = src[inside]; });
  }
  std::string name() const override {
    return absl::StrCat("panels", 3 * lanes_, "x", lanes_,
                        blocks_.size() > 1 ? ":" + absl::StrJoin(blocks_, "+") : "");
  }
  bool single() const { return blocks_.size() == 1; }
  int64_t lanes() const { return lanes_; }

 private:
  // Calls use(place in the published order, place in here) for all values.
  template <typename Use>
  void ForEach(Use use) const {
    const int64_t columns = std::accumulate(blocks_.begin(), blocks_.end(), int64_t{0});
    int64_t first = 0;
    int64_t offset = 0;
    for (const int64_t units : blocks_) {
      const Panels panels{inputs_, units, lanes_};
      for (int64_t input = 0; input < inputs_; ++input) {
        for (int64_t unit = 0; unit < units; ++unit)
          use(input * columns + first + unit, offset + panels.At(input, unit));
      }
      first += units;
      offset += panels.floats();
    }
  }

  const int64_t inputs_;
  const std::vector<int64_t> blocks_;
  const int64_t lanes_;
};

}  // namespace

std::shared_ptr<const WeightLayout> MakePanelLayout(int64_t inputs, std::vector<int64_t> blocks) {
  return std::make_shared<PanelLayout>(inputs, std::move(blocks), Vector().lanes);
}

int64_t PanelOffset(int64_t inputs, const std::vector<int64_t>& blocks, size_t block) {
  int64_t offset = 0;
  for (size_t i = 0; i < block; ++i) offset += Panels{inputs, blocks[i], Vector().lanes}.floats();
  return offset;
}

bool LiesInPanels(const WeightLayout& layout) {
  const auto* panels = dynamic_cast<const PanelLayout*>(&layout);
  return panels != nullptr && panels->single() && panels->lanes() == Vector().lanes;
}

}  // namespace gradus::kernels
