// SPDX-License-Identifier: Apache-2.0
// HOST:PORT, as settings, endpoint files and profiles have it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::api {

struct ListenAddress {
  std::string host;  // without the brackets of an IPv6 address
  int port = 0;      // 0: any free one

  // "127.0.0.1:7077", "[::1]:7077".
  std::string Text() const;
};

// INVALID_ARGUMENT naming the field. A host is an address or a name; empty is none.
absl::StatusOr<ListenAddress> ParseListenAddress(const std::string& text,
                                                 const std::string& field = "listen");

// Whether the port is free to be listened on; else what the system says, e.g. "cannot listen on
// 127.0.0.1:7077: Address already in use". The transport itself only says that it failed.
absl::Status ProbeListenAddress(const ListenAddress& address);

}  // namespace gradus::api
