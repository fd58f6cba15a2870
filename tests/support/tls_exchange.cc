// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tls_exchange.h"

#include <algorithm>

namespace gradus::test_support {

void TlsRecords::Feed(std::string_view bytes,
                      const std::function<void(int type, size_t length)>& record) {
  while (!bytes.empty()) {
    if (body_left_ > 0) {
      const size_t skipped = std::min(body_left_, bytes.size());
      body_left_ -= skipped;
      bytes.remove_prefix(skipped);
      continue;
    }
    header_[header_bytes_++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (header_bytes_ < sizeof(header_)) continue;
    header_bytes_ = 0;
    body_left_ = static_cast<size_t>(header_[3]) << 8 | header_[4];
    record(header_[0], body_left_);
  }
}

void TlsExchange::FromClient(std::string_view bytes) {
  client_.Feed(bytes, [this](int type, size_t length) {
    if (type != kApplicationData) return;
    client_sent_data_ = true;
    if (established_ && length >= kLeastMessage) asked_ = true;
  });
}

bool TlsExchange::FromServer(std::string_view bytes) {
  bool answered = false;
  server_.Feed(bytes, [&](int type, size_t length) {
    if (type != kApplicationData || !client_sent_data_) return;
    if (asked_ && length >= kLeastMessage) {
      asked_ = false;
      answered = true;
    }
    established_ = true;
  });
  return answered;
}

}  // namespace gradus::test_support
