// SPDX-License-Identifier: Apache-2.0
// Kernels that are one: what they leave each other in scratch memory stays.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/operation.h"

namespace gradus::kernels {

class Sequence final : public Kernel {
 public:
  explicit Sequence(Kernels kernels) : kernels_(std::move(kernels)) {}
  absl::Status Run() override {
    for (const auto& kernel : kernels_) RETURN_IF_ERROR(kernel->Run());
    return absl::OkStatus();
  }
  std::string Describe() const override {
    std::string text;
    for (const auto& kernel : kernels_)
      absl::StrAppend(&text, text.empty() ? "" : "; ", kernel->Describe());
    return text;
  }

 private:
  const Kernels kernels_;
};

// Appends them to `list`, as one where they are several.
inline void AppendSequence(Kernels kernels, Kernels& list) {
  if (kernels.size() == 1) {
    list.push_back(std::move(kernels[0]));
  } else {
    list.push_back(std::make_unique<Sequence>(std::move(kernels)));
  }
}

}  // namespace gradus::kernels
