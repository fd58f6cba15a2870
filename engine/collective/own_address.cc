// SPDX-License-Identifier: Apache-2.0
#include "engine/collective/own_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/status.h"

namespace gradus::collective {
namespace {

// In digits; nothing for what is no Internet address.
std::optional<std::string> Digits(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address->sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  } else if (address->sa_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  } else {
    return std::nullopt;
  }
  if (inet_ntop(address->sa_family, bytes, text.data(), text.size()) == nullptr)
    return std::nullopt;
  return std::string(text.data());
}

// The first address of this machine that `fits`, IPv4 before IPv6.
absl::StatusOr<std::string> FirstOf(const std::string& network,
                                    const std::function<bool(const ifaddrs&)>& fits) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return base::ErrnoStatus(errno, "getifaddrs");
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(list, &freeifaddrs);
  for (const int family : {AF_INET, AF_INET6}) {
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
      if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != family || !fits(*at)) continue;
      if (auto digits = Digits(at->ifa_addr)) return *std::move(digits);
    }
  }
  return absl::NotFoundError(absl::StrCat("this machine has no address in \"", network, "\""));
}

absl::StatusOr<std::string> InSubnet(const std::string& network, size_t slash) {
  in_addr base{};
  int bits = 0;
  if (inet_pton(AF_INET, network.substr(0, slash).c_str(), &base) != 1 ||
      !absl::SimpleAtoi(network.substr(slash + 1), &bits) || bits < 0 || bits > 32) {
    return base::InvalidArgument("network", absl::StrCat("\"", network, "\""),
                                 "a subnet such as 10.0.0.0/8");
  }
  const uint32_t mask = bits == 0 ? 0 : ~uint32_t{0} << (32 - bits);
  const uint32_t wanted = ntohl(base.s_addr) & mask;
  return FirstOf(network, [&](const ifaddrs& entry) {
    if (entry.ifa_addr->sa_family != AF_INET) return false;
    const auto* address = reinterpret_cast<const sockaddr_in*>(entry.ifa_addr);
    return (ntohl(address->sin_addr.s_addr) & mask) == wanted;
  });
}

// Nothing is sent: connecting a datagram socket only chooses the way.
absl::StatusOr<std::string> Towards(const std::string& server) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  if (const int error = getaddrinfo(server.c_str(), "9", &hints, &list); error != 0) {
    return absl::UnavailableError(
        absl::StrCat("the server's host \"", server, "\": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, &freeaddrinfo);
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    const base::Descriptor fd(socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd.valid() || connect(fd.get(), at->ai_addr, at->ai_addrlen) != 0) continue;
    sockaddr_storage own{};
    socklen_t length = sizeof(own);
    if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) continue;
    if (auto digits = Digits(reinterpret_cast<const sockaddr*>(&own))) return *std::move(digits);
  }
  return absl::UnavailableError(
      absl::StrCat("no way leads to the server's host \"", server, "\": ", std::strerror(errno)));
}

bool IsAddress(const std::string& text) {
  in6_addr bytes{};
  return inet_pton(AF_INET, text.c_str(), &bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &bytes) == 1;
}

}  // namespace

absl::StatusOr<std::string> OwnAddress(const std::string& network, const std::string& server) {
  if (network.empty()) return server.empty() ? "127.0.0.1" : Towards(server);
  if (const size_t slash = network.find('/'); slash != std::string::npos)
    return InSubnet(network, slash);
  if (IsAddress(network)) return network;
  return FirstOf(network, [&](const ifaddrs& entry) { return network == entry.ifa_name; });
}

}  // namespace gradus::collective
