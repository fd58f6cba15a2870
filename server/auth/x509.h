// SPDX-License-Identifier: Apache-2.0
// Keys and certificates: the authority's own, and what it signs for servers and clients.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gradus::auth {

// A certificate with its private key, both PEM. The key is secret.
struct Identity {
  std::string cert_pem;
  std::string key_pem;
};

// Validity in microseconds since 1970; certificates have seconds.
struct Validity {
  int64_t from_micros = 0;
  int64_t until_micros = 0;
};

// What a certificate is made out for.
struct Subject {
  std::string common_name;
  // Subject alternative names; empty for a client.
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  // Servers prove themselves to clients with it; else it is a client's.
  bool server = false;
};

// What a certificate says.
struct CertificateFacts {
  Validity validity;
  std::string common_name;
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
};

// A new self-signed authority (EC P-256, ECDSA with SHA-256) that may sign end certificates and no
// further authorities.
absl::StatusOr<Identity> MakeAuthority(const std::string& common_name, const Validity& validity);

// A new key, and a certificate for it signed by `authority`.
//   Errors   INVALID_ARGUMENT for an address that is none, or an authority that cannot be read.
absl::StatusOr<Identity> Sign(const Identity& authority, const Subject& subject,
                              const Validity& validity);

// INVALID_ARGUMENT when `cert_pem` is no certificate.
absl::StatusOr<CertificateFacts> Inspect(const std::string& cert_pem);

// OK when the identity's key fits its certificate and `authority_pem` signed it;
// FAILED_PRECONDITION else.
absl::Status CheckIdentity(const Identity& identity, const std::string& authority_pem);

}  // namespace gradus::auth
