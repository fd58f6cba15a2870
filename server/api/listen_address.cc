// SPDX-License-Identifier: Apache-2.0
#include "server/api/listen_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/status.h"

namespace gradus::api {
namespace {
constexpr int kMaxPort = 65535;
}  // namespace

std::string ListenAddress::Text() const {
  return host.find(':') == std::string::npos ? absl::StrCat(host, ":", port)
                                             : absl::StrCat("[", host, "]:", port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(const std::string& text,
                                                 const std::string& field) {
  const absl::Status refused = base::InvalidArgument(field, absl::StrCat("\"", text, "\""),
                                                     "HOST:PORT, e.g. 127.0.0.1:7077");
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return refused;
  ListenAddress address{.host = text.substr(0, colon)};
  if (!absl::SimpleAtoi(text.substr(colon + 1), &address.port) || address.port < 0 ||
      address.port > kMaxPort)
    return refused;
  const bool bracketed =
      address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']';
  if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  if (!bracketed && address.host.find(':') != std::string::npos) return refused;
  return address;
}

absl::Status ProbeListenAddress(const ListenAddress& address) {
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string cannot = absl::StrCat("cannot listen on ", address.Text());
  const int error =
      getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0)
    return absl::InvalidArgumentError(absl::StrCat(cannot, ": ", gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  const base::Descriptor socket_fd(
      socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol));
  if (socket_fd.get() < 0) return base::ErrnoStatus(errno, cannot);
  const int on = 1;
  setsockopt(socket_fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(socket_fd.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      listen(socket_fd.get(), 1) != 0) {
    return base::ErrnoStatus(errno, cannot);
  }
  return absl::OkStatus();
}

}  // namespace gradus::api
