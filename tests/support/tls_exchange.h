// SPDX-License-Identifier: Apache-2.0
// Tells requests and answers of gRPC apart in a TLS connection, without its keys: by the lengths of
// its records and by who speaks when.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace gradus::test_support {

// Cuts one direction of a connection into TLS records.
class TlsRecords {
 public:
  // Calls `record` with the type and the length of each record whose header ends in these bytes.
  void Feed(std::string_view bytes, const std::function<void(int type, size_t length)>& record);

 private:
  unsigned char header_[5] = {};
  size_t header_bytes_ = 0;
  size_t body_left_ = 0;
};

// Both directions of one connection, fed in the order in which their bytes pass.
//
// TLS 1.3 gives the end of its handshake the type of application data (23), too. But a server sends
// nothing of that type after the client's own before the handshake is over, and a gRPC client sends
// no request before the server's settings have come, so from then on records of type 23 carry
// HTTP/2 alone. There, a record of kLeastMessage bytes holds a message: the frames by which the
// transport talks to itself (settings, pings, windows) are shorter, even several together.
class TlsExchange {
 public:
  static constexpr int kApplicationData = 23;
  static constexpr size_t kLeastMessage = 128;

  void FromClient(std::string_view bytes);
  // Whether the answer to a request begins in these bytes. A message that follows another one
  // without a request between them is no answer.
  bool FromServer(std::string_view bytes);

 private:
  TlsRecords client_;
  TlsRecords server_;
  bool client_sent_data_ = false;
  bool established_ = false;
  bool asked_ = false;
};

}  // namespace gradus::test_support
