// SPDX-License-Identifier: Apache-2.0
// Whether text holds what TLS needs; gRPC only says later, and in riddles, that it does not.
#pragma once

#include "absl/strings/string_view.h"

namespace gradus::internal {

// A certificate at its beginning.
bool IsCertificatePem(absl::string_view text);
// A private key without a pass phrase.
bool IsPrivateKeyPem(absl::string_view text);

}  // namespace gradus::internal
