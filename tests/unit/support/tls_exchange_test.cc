// SPDX-License-Identifier: Apache-2.0
// Which records of a connection are taken for a request and its answer.
#include "tests/support/tls_exchange.h"

#include <gtest/gtest.h>

#include <string>

namespace gradus::test_support {
namespace {

constexpr int kChangeCipher = 20;
constexpr int kHandshake = 22;
constexpr int kData = TlsExchange::kApplicationData;
constexpr size_t kMessage = 300;
constexpr size_t kControl = 56;  // settings, window and ping together

std::string Record(int type, size_t length) {
  std::string record = {static_cast<char>(type), 3, 3, static_cast<char>(length >> 8),
                        static_cast<char>(length & 0xff)};
  // The contents look like headers of records; they must not be taken for any.
  while (record.size() < 5 + length) record += static_cast<char>(kData);
  return record;
}

// A handshake as TLS 1.3 has it, with the client's certificate and the server's tickets, up to the
// HTTP/2 settings of both.
void ShakeHands(TlsExchange& exchange) {
  exchange.FromClient(Record(kHandshake, 400));
  EXPECT_FALSE(exchange.FromServer(Record(kHandshake, 120) + Record(kChangeCipher, 1) +
                                   Record(kData, 2000)));
  exchange.FromClient(Record(kChangeCipher, 1) + Record(kData, 1500) + Record(kData, 90));
  EXPECT_FALSE(exchange.FromServer(Record(kData, 250) + Record(kData, 250) + Record(kData, 60)));
}

TEST(TlsExchange, FindsEachAnswerOnce) {
  TlsExchange exchange;
  ShakeHands(exchange);
  for (int i = 0; i < 3; ++i) {
    exchange.FromClient(Record(kData, kControl) + Record(kData, kMessage));
    EXPECT_FALSE(exchange.FromServer(Record(kData, kControl))) << "a ping is no answer";
    EXPECT_TRUE(exchange.FromServer(Record(kData, kControl) + Record(kData, kMessage)));
    EXPECT_FALSE(exchange.FromServer(Record(kData, kMessage))) << "more of the same answer";
  }
}

TEST(TlsExchange, AHandshakeOfTls12IsNoAnswerEither) {
  TlsExchange exchange;
  exchange.FromClient(Record(kHandshake, 400));
  EXPECT_FALSE(exchange.FromServer(Record(kHandshake, 2000)));
  exchange.FromClient(Record(kHandshake, 1500) + Record(kChangeCipher, 1) + Record(kHandshake, 40));
  EXPECT_FALSE(exchange.FromServer(Record(kHandshake, 250) + Record(kHandshake, 40)));
  exchange.FromClient(Record(kData, 90));
  EXPECT_FALSE(exchange.FromServer(Record(kData, 60)));
  exchange.FromClient(Record(kData, kMessage));
  EXPECT_TRUE(exchange.FromServer(Record(kData, kMessage)));
}

TEST(TlsExchange, WhatNobodyAskedForIsNoAnswer) {
  TlsExchange exchange;
  ShakeHands(exchange);
  EXPECT_FALSE(exchange.FromServer(Record(kData, kMessage)));
  exchange.FromClient(Record(kData, kControl));
  EXPECT_FALSE(exchange.FromServer(Record(kData, kMessage)));
}

TEST(TlsExchange, ItDoesNotMatterHowTheBytesAreCut) {
  TlsExchange exchange;
  ShakeHands(exchange);
  for (const char byte : Record(kData, kMessage)) exchange.FromClient({&byte, 1});
  const std::string answer = Record(kData, kControl) + Record(kData, kMessage);
  size_t first = 0;  // the byte that ends the answer's header
  while (first < answer.size() && !exchange.FromServer({&answer[first], 1})) ++first;
  EXPECT_EQ(first, 5 + kControl + 4);
}

}  // namespace
}  // namespace gradus::test_support
