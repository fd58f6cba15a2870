// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL.
#include "engine/base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/hex.h"
#include "engine/base/status.h"

namespace gradus::base {
namespace {

// OpenSSL fails here only without memory or without its default provider: nothing can go on then.
void Require(bool done) {
  if (done) return;
  std::fprintf(stderr, "SHA-256 is not available\n");
  std::abort();
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() { Restart(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
  void Restart() const {
    Require(context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1);
  }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::Update(std::span<const std::byte> bytes) {
  Require(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

void Sha256::Update(std::string_view text) {
  Update(std::as_bytes(std::span<const char>(text.data(), text.size())));
}

Sha256Digest Sha256::Finish() {
  Sha256Digest digest;
  Require(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()),
                             nullptr) == 1);
  state_->Restart();
  return digest;
}

Sha256Digest Sha256Of(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

std::string ToHex(const Sha256Digest& digest) { return HexEncode(digest); }

std::string Sha256Hex(std::span<const std::byte> bytes) { return ToHex(Sha256Of(bytes)); }

std::string Sha256Hex(std::string_view text) {
  return Sha256Hex(std::as_bytes(std::span<const char>(text.data(), text.size())));
}

absl::StatusOr<Sha256Digest> ParseSha256(std::string_view hex) {
  const bool lower = hex.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (hex.size() != 64 || !lower) {
    return absl::InvalidArgumentError(absl::StrCat("\"", std::string(hex.substr(0, 80)),
                                                   "\" is not 64 lower-case hexadecimal digits"));
  }
  ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, HexDecode(hex));
  Sha256Digest digest;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace gradus::base
