// SPDX-License-Identifier: Apache-2.0
// SHA-256 of what is sent and fetched.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

struct evp_md_ctx_st;

namespace gradus::internal {

class Sha256 {
 public:
  Sha256();
  void Update(absl::string_view bytes);
  // 64 lower-case hexadecimal digits. Once.
  std::string Finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

std::string Sha256Of(absl::string_view bytes);

}  // namespace gradus::internal
