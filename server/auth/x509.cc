// SPDX-License-Identifier: Apache-2.0
#include "server/auth/x509.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::auth {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using CertPtr = std::unique_ptr<X509, Deleter<X509_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;
using BigNumberPtr = std::unique_ptr<BIGNUM, Deleter<BN_free>>;

constexpr long kX509Version3 = 2;
constexpr int64_t kMicrosPerSecond = 1'000'000;

// The oldest error of this thread's OpenSSL queue, which is emptied.
absl::Status OpensslError(std::string_view doing) {
  std::array<char, 256> text = {};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return absl::InternalError(absl::StrCat(std::string(doing), ": ", text.data()));
}

BioPtr ReadBio(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

absl::StatusOr<CertPtr> ReadCertificate(const std::string& pem) {
  CertPtr cert(PEM_read_bio_X509(ReadBio(pem).get(), nullptr, nullptr, nullptr));
  if (cert == nullptr) {
    ERR_clear_error();
    return absl::InvalidArgumentError("not a PEM certificate");
  }
  return cert;
}

absl::StatusOr<KeyPtr> ReadKey(const std::string& pem) {
  KeyPtr key(PEM_read_bio_PrivateKey(ReadBio(pem).get(), nullptr, nullptr, nullptr));
  if (key == nullptr) {
    ERR_clear_error();
    return absl::InvalidArgumentError("not a PEM private key");
  }
  return key;
}

absl::StatusOr<Identity> WriteIdentity(X509* cert, EVP_PKEY* key) {
  BioPtr cert_bio(BIO_new(BIO_s_mem()));
  BioPtr key_bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(cert_bio.get(), cert) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return OpensslError("writing a certificate");
  }
  return Identity{.cert_pem = TextOf(cert_bio.get()), .key_pem = TextOf(key_bio.get())};
}

absl::Status SetSerial(X509* cert) {
  std::array<unsigned char, 16> bytes = {};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return OpensslError("drawing a serial number");
  bytes[0] &= 0x7f;  // positive in DER
  BigNumberPtr number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  if (BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert)) == nullptr)
    return OpensslError("setting a serial number");
  return absl::OkStatus();
}

absl::Status SetCommonName(X509* cert, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(cert);
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  const int size = static_cast<int>(common_name.size());
  if (X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>("Gradus"), -1, -1,
                                 0) != 1 ||
      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, size, -1, 0) != 1) {
    return OpensslError("setting a name");
  }
  return absl::OkStatus();
}

absl::Status SetValidity(X509* cert, const Validity& validity) {
  if (ASN1_TIME_set(X509_getm_notBefore(cert), validity.from_micros / kMicrosPerSecond) ==
          nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(cert), validity.until_micros / kMicrosPerSecond) ==
          nullptr) {
    return OpensslError("setting a certificate's time");
  }
  return absl::OkStatus();
}

absl::Status AddExtension(X509* cert, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  if (extension == nullptr || X509_add_ext(cert, extension.get(), -1) != 1)
    return OpensslError("adding an extension");
  return absl::OkStatus();
}

// GENERAL_NAMES instead of the text form, in which a comma in a name would start another name.
absl::Status AddAlternativeNames(X509* cert, const Subject& subject) {
  NamesPtr names(sk_GENERAL_NAME_new_null());
  for (const std::string& dns : subject.dns_names) {
    GENERAL_NAME* name = a2i_GENERAL_NAME(nullptr, nullptr, nullptr, GEN_DNS, dns.c_str(), 0);
    if (name == nullptr) return OpensslError("adding a host name");
    sk_GENERAL_NAME_push(names.get(), name);
  }
  for (const std::string& address : subject.ip_addresses) {
    GENERAL_NAME* name = a2i_GENERAL_NAME(nullptr, nullptr, nullptr, GEN_IPADD, address.c_str(), 0);
    if (name == nullptr) {
      ERR_clear_error();
      return base::InvalidArgument("", absl::StrCat("\"", address, "\""), "an IP address");
    }
    sk_GENERAL_NAME_push(names.get(), name);
  }
  if (X509_add1_ext_i2d(cert, NID_subject_alt_name, names.get(), 0, 0) != 1)
    return OpensslError("adding names");
  return absl::OkStatus();
}

// A certificate for `key` that lacks only its extensions and its signature.
absl::StatusOr<CertPtr> Draft(const std::string& common_name, const Validity& validity,
                              EVP_PKEY* key) {
  CertPtr cert(X509_new());
  if (cert == nullptr || key == nullptr) return OpensslError("making a key");
  if (X509_set_version(cert.get(), kX509Version3) != 1) return OpensslError("making a certificate");
  RETURN_IF_ERROR(SetSerial(cert.get()));
  RETURN_IF_ERROR(SetCommonName(cert.get(), common_name));
  RETURN_IF_ERROR(SetValidity(cert.get(), validity));
  if (X509_set_pubkey(cert.get(), key) != 1) return OpensslError("setting a public key");
  return cert;
}

absl::Status AddUsage(X509* cert, X509* issuer, const Subject& subject) {
  RETURN_IF_ERROR(AddExtension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE"));
  RETURN_IF_ERROR(AddExtension(cert, issuer, NID_key_usage, "critical,digitalSignature"));
  RETURN_IF_ERROR(
      AddExtension(cert, issuer, NID_ext_key_usage, subject.server ? "serverAuth" : "clientAuth"));
  RETURN_IF_ERROR(AddExtension(cert, issuer, NID_subject_key_identifier, "hash"));
  RETURN_IF_ERROR(AddExtension(cert, issuer, NID_authority_key_identifier, "keyid:always"));
  if (subject.dns_names.empty() && subject.ip_addresses.empty()) return absl::OkStatus();
  return AddAlternativeNames(cert, subject);
}

absl::StatusOr<int64_t> MicrosOf(const ASN1_TIME* time) {
  std::tm fields = {};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return OpensslError("reading a certificate's time");
  return static_cast<int64_t>(timegm(&fields)) * kMicrosPerSecond;
}

std::string AddressText(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  if (inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size()) == nullptr)
    return "";
  return text.data();
}

void ReadAlternativeNames(X509* cert, CertificateFacts& facts) {
  NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) {
      const ASN1_STRING* text = name->d.dNSName;
      facts.dns_names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                   static_cast<size_t>(ASN1_STRING_length(text)));
    } else if (name->type == GEN_IPADD) {
      facts.ip_addresses.push_back(AddressText(name->d.iPAddress));
    }
  }
}

}  // namespace

absl::StatusOr<Identity> MakeAuthority(const std::string& common_name, const Validity& validity) {
  KeyPtr key(EVP_EC_gen("P-256"));
  ASSIGN_OR_RETURN(CertPtr cert, Draft(common_name, validity, key.get()));
  X509_set_issuer_name(cert.get(), X509_get_subject_name(cert.get()));
  RETURN_IF_ERROR(
      AddExtension(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  RETURN_IF_ERROR(
      AddExtension(cert.get(), cert.get(), NID_key_usage, "critical,keyCertSign,cRLSign"));
  RETURN_IF_ERROR(AddExtension(cert.get(), cert.get(), NID_subject_key_identifier, "hash"));
  if (X509_sign(cert.get(), key.get(), EVP_sha256()) == 0)
    return OpensslError("signing the authority");
  return WriteIdentity(cert.get(), key.get());
}

absl::StatusOr<Identity> Sign(const Identity& authority, const Subject& subject,
                              const Validity& validity) {
  ASSIGN_OR_RETURN(CertPtr issuer, ReadCertificate(authority.cert_pem));
  ASSIGN_OR_RETURN(KeyPtr issuer_key, ReadKey(authority.key_pem));
  KeyPtr key(EVP_EC_gen("P-256"));
  ASSIGN_OR_RETURN(CertPtr cert, Draft(subject.common_name, validity, key.get()));
  X509_set_issuer_name(cert.get(), X509_get_subject_name(issuer.get()));
  RETURN_IF_ERROR(AddUsage(cert.get(), issuer.get(), subject));
  if (X509_sign(cert.get(), issuer_key.get(), EVP_sha256()) == 0)
    return OpensslError("signing a certificate");
  return WriteIdentity(cert.get(), key.get());
}

absl::StatusOr<CertificateFacts> Inspect(const std::string& cert_pem) {
  ASSIGN_OR_RETURN(CertPtr cert, ReadCertificate(cert_pem));
  CertificateFacts facts;
  ASSIGN_OR_RETURN(facts.validity.from_micros, MicrosOf(X509_get0_notBefore(cert.get())));
  ASSIGN_OR_RETURN(facts.validity.until_micros, MicrosOf(X509_get0_notAfter(cert.get())));
  std::array<char, 256> name = {};
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert.get()), NID_commonName, name.data(),
                                name.size()) > 0) {
    facts.common_name = name.data();
  }
  ReadAlternativeNames(cert.get(), facts);
  return facts;
}

absl::Status CheckIdentity(const Identity& identity, const std::string& authority_pem) {
  ASSIGN_OR_RETURN(CertPtr cert, ReadCertificate(identity.cert_pem));
  ASSIGN_OR_RETURN(KeyPtr key, ReadKey(identity.key_pem));
  ASSIGN_OR_RETURN(CertPtr authority, ReadCertificate(authority_pem));
  const bool key_fits = X509_check_private_key(cert.get(), key.get()) == 1;
  const bool signed_by = X509_verify(cert.get(), X509_get0_pubkey(authority.get())) == 1;
  ERR_clear_error();
  if (!key_fits) return absl::FailedPreconditionError("the key does not fit the certificate");
  if (!signed_by)
    return absl::FailedPreconditionError("the certificate was not signed by this authority");
  return absl::OkStatus();
}

}  // namespace gradus::auth
