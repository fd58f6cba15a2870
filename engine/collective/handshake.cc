// SPDX-License-Identifier: Apache-2.0
#include "engine/collective/handshake.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/base/sha256.h"

namespace gradus::collective {
namespace {

constexpr std::string_view kMagic = "gradus/1";
constexpr size_t kNonceBytes = 32;
constexpr size_t kProofBytes = 32;
// The magic word, the generation, both ranks, a nonce.
constexpr size_t kHelloBytes = 8 + 8 + 4 + 4 + kNonceBytes;

// Little-endian, whatever the machine.
template <typename T>
void Append(T value, std::string& out) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i)));
}

template <typename T>
T Read(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return static_cast<T>(value);
}

template <size_t N>
std::string_view Text(const std::array<std::byte, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

// Keyed with the secret, so that OpenSSL's failure, which is one of memory, must not go on.
std::string Hmac(std::string_view key, std::string_view text) {
  std::string mac(kProofBytes, '\0');
  unsigned int length = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           reinterpret_cast<unsigned char*>(mac.data()), &length) == nullptr) {
    std::fprintf(stderr, "HMAC-SHA256 is not available\n");
    std::abort();
  }
  return mac;
}

}  // namespace

Handshake::Handshake(const Identity& self, bool caller, base::RandomSource& random)
    : self_(self), caller_(caller) {
  random.Fill(own_nonce_);
}

Handshake Handshake::Call(const Identity& self, int peer, base::RandomSource& random) {
  Handshake end(self, true, random);
  end.peer_ = peer;
  std::string hello(kMagic);
  Append(self.generation, hello);
  Append(static_cast<uint32_t>(self.rank), hello);
  Append(static_cast<uint32_t>(peer), hello);
  hello += Text(end.own_nonce_);
  end.Say(std::move(hello));
  end.Expect(Await::kAnswer);
  return end;
}

Handshake Handshake::Answer(const Identity& self, base::RandomSource& random) {
  Handshake end(self, false, random);
  end.Expect(Await::kHello);
  return end;
}

void Handshake::Say(std::string bytes) {
  const auto said = std::as_bytes(std::span(bytes));
  out_.assign(said.begin(), said.end());
  sent_ = 0;
}

void Handshake::Expect(Await what) {
  await_ = what;
  in_.clear();
  switch (what) {
    case Await::kHello:
      wanted_ = kHelloBytes;
      break;
    case Await::kAnswer:
      wanted_ = kNonceBytes + kProofBytes;
      break;
    case Await::kProof:
      wanted_ = kProofBytes;
      break;
    case Await::kWelcome:
      wanted_ = 1;
      break;
    case Await::kNothing:
      wanted_ = 0;
      break;
  }
}

absl::Status Handshake::Received(std::span<const std::byte> bytes) {
  in_.append(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), wanted()));
  return wanted() > 0 ? absl::OkStatus() : Understand();
}

absl::Status Handshake::Understand() {
  switch (await_) {
    case Await::kHello:
      return ReadHello();
    case Await::kAnswer:
      std::memcpy(peer_nonce_.data(), in_.data(), kNonceBytes);
      if (!Proves(kNonceBytes, false))
        return absl::PermissionDeniedError("a rank does not know the meeting's secret");
      Say(Proof(true));
      Expect(Await::kWelcome);
      return absl::OkStatus();
    case Await::kProof:
      if (!Proves(0, true))
        return absl::PermissionDeniedError("a caller does not know the meeting's secret");
      Say(std::string(1, '\1'));
      Expect(Await::kNothing);
      return absl::OkStatus();
    case Await::kWelcome:
      Expect(Await::kNothing);
      return absl::OkStatus();
    case Await::kNothing:
      break;
  }
  return absl::OkStatus();
}

absl::Status Handshake::ReadHello() {
  const std::string_view hello = in_;
  const auto from = Read<uint32_t>(hello, 16);
  const auto to = Read<uint32_t>(hello, 20);
  if (hello.substr(0, kMagic.size()) != kMagic || Read<int64_t>(hello, 8) != self_.generation ||
      to != static_cast<uint32_t>(self_.rank) || from >= static_cast<uint32_t>(self_.size) ||
      from == to) {
    return absl::PermissionDeniedError("a caller is no rank of this meeting");
  }
  peer_ = static_cast<int>(from);
  std::memcpy(peer_nonce_.data(), hello.data() + 24, kNonceBytes);
  Say(std::string(Text(own_nonce_)) + Proof(false));
  Expect(Await::kProof);
  return absl::OkStatus();
}

std::string Handshake::Proof(bool of_caller) const {
  std::string text(of_caller ? "caller" : "answer");
  Append(self_.generation, text);
  Append(static_cast<uint32_t>(caller_ ? self_.rank : peer_), text);
  Append(static_cast<uint32_t>(caller_ ? peer_ : self_.rank), text);
  text += Text(caller_ ? own_nonce_ : peer_nonce_);
  text += Text(caller_ ? peer_nonce_ : own_nonce_);
  return Hmac(self_.secret, text);
}

bool Handshake::Proves(size_t at, bool of_caller) const {
  return base::ConstantTimeEqual(std::string_view(in_).substr(at), Proof(of_caller));
}

}  // namespace gradus::collective
