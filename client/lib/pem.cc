// SPDX-License-Identifier: Apache-2.0
// OpenSSL's PEM reader.
#include "internal/pem.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace gradus::internal {
namespace {

template <auto free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};

std::unique_ptr<BIO, Freed<BIO_free>> Reader(absl::string_view text) {
  return std::unique_ptr<BIO, Freed<BIO_free>>(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL would ask the terminal.
int NoPassPhrase(char*, int, int, void*) { return 0; }

}  // namespace

bool IsCertificatePem(absl::string_view text) {
  const auto reader = Reader(text);
  const std::unique_ptr<X509, Freed<X509_free>> certificate(
      PEM_read_bio_X509(reader.get(), nullptr, NoPassPhrase, nullptr));
  return certificate != nullptr;
}

bool IsPrivateKeyPem(absl::string_view text) {
  const auto reader = Reader(text);
  const std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> key(
      PEM_read_bio_PrivateKey(reader.get(), nullptr, NoPassPhrase, nullptr));
  return key != nullptr;
}

}  // namespace gradus::internal
