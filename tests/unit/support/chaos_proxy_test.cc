// SPDX-License-Identifier: Apache-2.0
// Each thing that the proxy does to a connection, seen from both of its ends.
#include "tests/support/chaos_proxy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace gradus::test_support {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// Sends back what it gets, behind a greeting.
class EchoServer {
 public:
  explicit EchoServer(std::string greeting = "") : greeting_(std::move(greeting)) {
    sockaddr_in own = Loopback(0);
    socklen_t size = sizeof(own);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&own), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&own), &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(own.sin_port));
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~EchoServer() { Stop(); }

  // Waits for all connections to end.
  void Stop() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (acceptor_.joinable()) acceptor_.join();
    for (std::thread& connection : connections_) connection.join();
    connections_.clear();
  }

  const std::string& address() const { return address_; }
  int64_t received() const { return received_; }

 private:
  void Accept() {
    while (true) {
      const int fd = ::accept(listener_.get(), nullptr, nullptr);
      if (fd < 0) return;
      connections_.emplace_back([this, fd] { Echo(base::Descriptor(fd)); });
    }
  }
  void Echo(const base::Descriptor& socket) {
    ::send(socket.get(), greeting_.data(), greeting_.size(), MSG_NOSIGNAL);
    char buffer[4096];
    while (true) {
      const ssize_t got = ::recv(socket.get(), buffer, sizeof(buffer), 0);
      if (got <= 0) return;
      received_ += got;
      if (::send(socket.get(), buffer, static_cast<size_t>(got), MSG_NOSIGNAL) != got) return;
    }
  }

  const std::string greeting_;
  const base::Descriptor listener_{::socket(AF_INET, SOCK_STREAM, 0)};
  std::string address_;
  std::atomic<int64_t> received_ = 0;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

class Connection {
 public:
  explicit Connection(const ChaosProxy& proxy) {
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(proxy.address().substr(proxy.address().find(':') + 1), &port));
    const sockaddr_in address = Loopback(port);
    EXPECT_EQ(
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    // A proxy that loses bytes it should pass ends the test instead of hanging it.
    const timeval patience = {30, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }

  void Send(const std::string& bytes) {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void SendNoMore() { ::shutdown(socket_.get(), SHUT_WR); }
  // Up to `most` bytes, fewer only where the connection ended.
  std::string Receive(size_t most) {
    std::string all;
    while (all.size() < most) {
      char buffer[4096];
      const ssize_t got =
          ::recv(socket_.get(), buffer, std::min(sizeof(buffer), most - all.size()), 0);
      if (got <= 0) break;
      all.append(buffer, static_cast<size_t>(got));
    }
    return all;
  }
  // Whether the connection ended with a reset, not with an orderly end or not at all.
  bool IsReset() {
    char byte = 0;
    return ::recv(socket_.get(), &byte, 1, 0) < 0 && errno == ECONNRESET;
  }

 private:
  base::Descriptor socket_{::socket(AF_INET, SOCK_STREAM, 0)};
};

class ChaosProxyTest : public testing::Test {
 protected:
  void Start(const Treatment& treatment = {}) {
    proxy_ = *ChaosProxy::Start(server_.address(), [treatment](int64_t) { return treatment; });
  }

  EchoServer server_;
  std::unique_ptr<ChaosProxy> proxy_;  // ends first, and with it the connections
};

std::string Noise(size_t size) {
  std::string noise(size, '\0');
  for (size_t i = 0; i < size; ++i) noise[i] = static_cast<char>(i * 2654435761U >> 13);
  return noise;
}

// What the proxy takes for one record of a TLS connection.
std::string Record(int type, size_t length) {
  return std::string{static_cast<char>(type), 3, 3, static_cast<char>(length >> 8),
                     static_cast<char>(length & 0xff)} +
         std::string(length, 'r');
}

TEST_F(ChaosProxyTest, WithoutATreatmentEveryByteAndTheOrderlyEndPass) {
  Start();
  Connection connection(*proxy_);
  const std::string sent = Noise(1 << 20);
  std::thread sender([&] {
    connection.Send(sent);
    connection.SendNoMore();
  });
  EXPECT_TRUE(connection.Receive(sent.size() + 1) == sent);
  sender.join();
  EXPECT_FALSE(connection.IsReset());
  EXPECT_EQ(proxy_->counts().cut, 0);
}

TEST_F(ChaosProxyTest, ADelayHoldsBytesBackInBothDirections) {
  Start({.delay = milliseconds(40)});
  Connection connection(*proxy_);
  const auto begin = steady_clock::now();
  connection.Send("ping");
  EXPECT_EQ(connection.Receive(4), "ping");
  EXPECT_GE(steady_clock::now() - begin, milliseconds(80));
}

TEST_F(ChaosProxyTest, ARateIsNotExceeded) {
  Start({.bytes_per_second = 100'000});
  Connection connection(*proxy_);
  const auto begin = steady_clock::now();
  connection.Send(Noise(20'000));
  EXPECT_TRUE(connection.Receive(20'000) == Noise(20'000));
  // The last piece need not wait for the time that it takes.
  EXPECT_GE(steady_clock::now() - begin, milliseconds(180));
}

TEST_F(ChaosProxyTest, ACutAtOnceLetsNothingPass) {
  Start({.cut_after = {.up = 0}});
  Connection connection(*proxy_);
  EXPECT_TRUE(connection.IsReset());
  EXPECT_EQ(proxy_->counts().cut, 1);
  EXPECT_EQ(server_.received(), 0);
}

TEST_F(ChaosProxyTest, ACutComesAfterExactlySoManyBytesFromTheServer) {
  Start({.cut_after = {.down = 300}});
  Connection connection(*proxy_);
  connection.Send(Noise(1000));
  EXPECT_EQ(connection.Receive(300), Noise(300));
  EXPECT_TRUE(connection.IsReset());
}

TEST_F(ChaosProxyTest, ACutComesAfterExactlySoManyBytesFromTheClient) {
  Start({.cut_after = {.up = 300}});
  Connection connection(*proxy_);
  connection.Send(Noise(200));
  EXPECT_EQ(connection.Receive(200), Noise(200));
  connection.Send(Noise(800));
  EXPECT_LE(connection.Receive(800).size(), 100U);
  server_.Stop();
  EXPECT_EQ(server_.received(), 300);
}

TEST_F(ChaosProxyTest, HalfOpenConnectionsStayButPassNothing) {
  Start();
  Connection connection(*proxy_);
  connection.Send("before");
  EXPECT_EQ(connection.Receive(6), "before");
  proxy_->HalfOpenAll();
  connection.Send("after");
  // A second connection goes on: the first one's silence is not the proxy's death.
  Connection other(*proxy_);
  other.Send("other");
  EXPECT_EQ(other.Receive(5), "other");
  EXPECT_EQ(proxy_->counts().half_open, 1);
  EXPECT_EQ(proxy_->counts().cut, 0);
  EXPECT_EQ(server_.received(), 11);
  proxy_->CutAll();
  EXPECT_EQ(connection.Receive(5), "");
  EXPECT_EQ(server_.received(), 11);
}

TEST_F(ChaosProxyTest, AConnectionGoesHalfOpenAfterSoManyBytes) {
  Start({.half_open_after = {.down = 6}});
  Connection connection(*proxy_);
  connection.Send("before and after");
  EXPECT_EQ(connection.Receive(6), "before");
  // The connection of later is served after whatever the first one still had.
  Connection other(*proxy_);
  other.Send("other");
  EXPECT_EQ(other.Receive(5), "other");
  proxy_->CutAll();
  EXPECT_EQ(connection.Receive(1), "");
}

TEST_F(ChaosProxyTest, EachNthAnswerIsLostThoughItsRequestArrived) {
  EchoServer greets(Record(22, 1000));
  proxy_ = *ChaosProxy::Start(greets.address(), [](int64_t) { return Treatment{.drop_every = 3}; });
  int answered = 0;
  for (int lost = 0; lost < 2; ++lost) {
    Connection connection(*proxy_);
    EXPECT_EQ(connection.Receive(1005).size(), 1005U);
    const std::string settings = Record(23, 50);
    connection.Send(settings);
    EXPECT_EQ(connection.Receive(settings.size()), settings);
    const std::string request = Record(23, 500);
    while (true) {
      connection.Send(request);
      if (connection.Receive(request.size()) != request) break;
      ++answered;
    }
  }
  EXPECT_EQ(answered, 4);
  EXPECT_EQ(proxy_->counts().answers, 6);
  EXPECT_EQ(proxy_->counts().dropped, 2);
  EXPECT_EQ(greets.received(), 2 * 55 + 6 * 505);
}

TEST_F(ChaosProxyTest, ThePlanTreatsEachConnectionByItsNumber) {
  proxy_ = *ChaosProxy::Start(server_.address(), [](int64_t number) {
    return number % 2 == 0 ? Treatment{.cut_after = {.up = 0}} : Treatment();
  });
  for (int i = 0; i < 3; ++i) {
    Connection cut(*proxy_);
    EXPECT_TRUE(cut.IsReset());
    Connection whole(*proxy_);
    whole.Send("x");
    EXPECT_EQ(whole.Receive(1), "x");
  }
}

TEST_F(ChaosProxyTest, NewConnectionsGoToTheNewTarget) {
  Start();
  EchoServer next("next");
  Connection old(*proxy_);
  old.Send("a");
  EXPECT_EQ(old.Receive(1), "a");
  proxy_->SetTarget(next.address());
  Connection fresh(*proxy_);
  EXPECT_EQ(fresh.Receive(4), "next");
  old.Send("b");
  EXPECT_EQ(old.Receive(1), "b");
  proxy_.reset();
}

TEST_F(ChaosProxyTest, WhereNobodyListensConnectionsAreCut) {
  std::string nobody;
  {
    const EchoServer gone;
    nobody = gone.address();
  }
  proxy_ = *ChaosProxy::Start(nobody);
  Connection connection(*proxy_);
  EXPECT_TRUE(connection.IsReset());
  EXPECT_FALSE(ChaosProxy::Start("somewhere").ok());
}

}  // namespace
}  // namespace gradus::test_support
