// SPDX-License-Identifier: Apache-2.0
// One thread around poll; links are touched under the lock alone, and never while it waits.
#include "tests/support/chaos_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::test_support {
namespace {

// What the kernel keeps of a connection for a proxy that reads no more is little: a peer that goes
// on sending notices soon.
constexpr int kReceiveBuffer = 64 << 10;

absl::StatusOr<sockaddr_in> ParseAddress(const std::string& text) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  const size_t colon = text.rfind(':');
  int port = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no HOST:PORT of IPv4"));
  }
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

base::Descriptor MakeSocket() {
  base::Descriptor made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(made.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof(kReceiveBuffer));
  return made;
}

// On loopback a connection is there, or refused, at once.
base::Descriptor ConnectTo(const std::string& target) {
  const absl::StatusOr<sockaddr_in> address = ParseAddress(target);
  if (!address.ok()) return base::Descriptor();
  base::Descriptor made = MakeSocket();
  const auto* generic = reinterpret_cast<const sockaddr*>(&*address);
  if (::connect(made.get(), generic, sizeof(*address)) != 0) return base::Descriptor();
  ::fcntl(made.get(), F_SETFL, O_NONBLOCK);
  return made;
}

void SendAtOnce(const base::Descriptor& socket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

// Milliseconds until `due`, rounded up; -1 for never.
int TimeoutUntil(std::optional<ChaosTime> due, ChaosTime now) {
  if (!due.has_value()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - now).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChaosProxy>> ChaosProxy::Start(const std::string& target,
                                                              Plan plan) {
  RETURN_IF_ERROR(ParseAddress(target).status());
  base::Descriptor listener = MakeSocket();
  base::Descriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  sockaddr_in own = {};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(own);
  auto* generic = reinterpret_cast<sockaddr*>(&own);
  if (!wake.valid() || ::bind(listener.get(), generic, size) != 0 ||
      ::listen(listener.get(), SOMAXCONN) != 0 ||
      ::getsockname(listener.get(), generic, &size) != 0 ||
      ::fcntl(listener.get(), F_SETFL, O_NONBLOCK) != 0) {
    return base::ErrnoStatus(errno, "the proxy cannot listen");
  }
  return std::unique_ptr<ChaosProxy>(new ChaosProxy(std::move(listener), std::move(wake),
                                                    absl::StrCat("127.0.0.1:", ntohs(own.sin_port)),
                                                    target, std::move(plan)));
}

ChaosProxy::ChaosProxy(base::Descriptor listener, base::Descriptor wake, std::string address,
                       std::string target, Plan plan)
    : listener_(std::move(listener)),
      wake_(std::move(wake)),
      address_(std::move(address)),
      target_(std::move(target)),
      plan_(std::move(plan)),
      thread_([this] { Run(); }) {}

ChaosProxy::~ChaosProxy() {
  {
    base::MutexLock lock(mu_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  CutAll();
}

void ChaosProxy::SetTarget(const std::string& target) {
  base::MutexLock lock(mu_);
  target_ = target;
}

void ChaosProxy::SetPlan(Plan plan) {
  base::MutexLock lock(mu_);
  plan_ = std::move(plan);
}

void ChaosProxy::CutAll() { ForEach(&ChaosLink::Cut); }
void ChaosProxy::HalfOpenAll() { ForEach(&ChaosLink::HalfOpen); }

void ChaosProxy::ForEach(void (ChaosLink::*deed)()) {
  {
    base::MutexLock lock(mu_);
    for (auto& [number, link] : links_) ((*link).*deed)();
  }
  Wake();
}

ChaosCounts ChaosProxy::counts() const {
  base::MutexLock lock(mu_);
  return counts_;
}

void ChaosProxy::Wake() {
  const uint64_t one = 1;
  // It fails only where the thread is as good as woken.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
}

void ChaosProxy::Accept() {
  while (true) {
    base::Descriptor client(
        ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!client.valid()) return;
    const int64_t number = counts_.connections++;
    Treatment treatment = plan_ ? plan_(number) : Treatment();
    base::Descriptor server = ConnectTo(target_);
    if (!server.valid()) treatment.cut_after.up = 0;
    SendAtOnce(client);
    SendAtOnce(server);
    links_.emplace(number, std::make_unique<ChaosLink>(std::move(client), std::move(server),
                                                       treatment, counts_));
  }
}

void ChaosProxy::Run() {
  std::vector<pollfd> waiting;
  std::vector<int64_t>
      numbers;  // of the links whose sockets follow the first two entries, in pairs
  while (true) {
    std::optional<ChaosTime> due;
    waiting = {{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    numbers.clear();
    const ChaosTime before = std::chrono::steady_clock::now();
    {
      base::MutexLock lock(mu_);
      if (stopping_) return;
      std::erase_if(links_, [](const auto& entry) { return entry.second->ended(); });
      for (const auto& [number, link] : links_) {
        const std::array<pollfd, 2> interests = link->Interests(before);
        waiting.insert(waiting.end(), interests.begin(), interests.end());
        numbers.push_back(number);
        const std::optional<ChaosTime> next = link->NextDue(before);
        if (next.has_value()) due = std::min(due.value_or(*next), *next);
      }
    }
    ::poll(waiting.data(), waiting.size(), TimeoutUntil(due, before));
    uint64_t woken = 0;
    [[maybe_unused]] const ssize_t read = ::read(wake_.get(), &woken, sizeof(woken));
    const ChaosTime now = std::chrono::steady_clock::now();
    base::MutexLock lock(mu_);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const std::array<pollfd, 2> ready = {waiting[2 * i + 2], waiting[2 * i + 3]};
      links_.at(numbers[i])->Serve(ready, now);
    }
    Accept();
  }
}

}  // namespace gradus::test_support
