// SPDX-License-Identifier: Apache-2.0
#include "server/auth/tls.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/status.h"

namespace gradus::auth {
namespace {

constexpr int64_t kDay = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kAuthorityLife = 3650 * kDay;
constexpr int64_t kServerLife = 397 * kDay;
constexpr int64_t kClientLife = 90 * kDay;
constexpr int64_t kRenewBefore = 30 * kDay;
// A client whose clock is a little slow must not find a new certificate to be of the future.
constexpr int64_t kBackdate = kDay;
constexpr size_t kMaxPemBytes = 64 << 10;

Validity From(int64_t now, int64_t life) {
  return {.from_micros = now - kBackdate, .until_micros = now + life};
}

std::string AuthorityPath(const std::string& dir) { return base::JoinPath(dir, "authority.pem"); }

absl::StatusOr<Identity> ReadAuthority(base::Files& files, const std::string& path, int64_t now) {
  ASSIGN_OR_RETURN(std::string text, base::ReadFile(files, path, kMaxPemBytes));
  // One file with both PEM blocks: each reader takes its own.
  Identity authority{.cert_pem = text, .key_pem = text};
  const size_t begin = text.find("-----BEGIN CERTIFICATE-----");
  if (begin != std::string::npos) authority.cert_pem = text.substr(begin);
  absl::Status status = CheckIdentity(authority, authority.cert_pem);
  if (!status.ok())
    return absl::FailedPreconditionError(absl::StrCat(path, " is damaged: ", status.message()));
  ASSIGN_OR_RETURN(CertificateFacts facts, Inspect(authority.cert_pem));
  if (facts.validity.until_micros <= now) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " has expired; remove the tls folder and hand out new profiles"));
  }
  return authority;
}

std::string MachineName() {
  std::array<char, 256> name = {};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

Subject ServerSubject(const std::vector<std::string>& hosts) {
  Subject subject{.common_name = hosts.empty() ? "gradusd" : hosts.front(), .server = true};
  for (const std::string& host : hosts)
    (IsAddress(host) ? subject.ip_addresses : subject.dns_names).push_back(host);
  return subject;
}

// One form for one address: "::1" and "0:0:0:0:0:0:0:1" are the same.
std::string Canonical(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes = {};
  std::array<char, INET6_ADDRSTRLEN> text = {};
  for (const int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, host.c_str(), bytes.data()) == 1) {
      return inet_ntop(family, bytes.data(), text.data(), text.size());
    }
  }
  return host;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Authority>> Authority::Open(base::Files& files, base::Clock& clock,
                                                           std::string dir) {
  RETURN_IF_ERROR(base::MakeDirs(files, dir));
  const std::string path = AuthorityPath(dir);
  ASSIGN_OR_RETURN(const bool exists, files.Exists(path));
  if (!exists) {
    ASSIGN_OR_RETURN(
        Identity made,
        MakeAuthority(absl::StrCat("Gradus authority of ", MachineName()).substr(0, 64),
                      From(clock.NowMicros(), kAuthorityLife)));
    RETURN_IF_ERROR(
        base::WriteFileAtomically(files, path, absl::StrCat(made.key_pem, made.cert_pem)));
  }
  ASSIGN_OR_RETURN(Identity authority, ReadAuthority(files, path, clock.NowMicros()));
  std::unique_ptr<Authority> opened(
      new Authority(files, clock, std::move(dir), std::move(authority)));
  RETURN_IF_ERROR(base::WriteFileAtomically(files, opened->ca_path(), opened->ca_pem()));
  return opened;
}

bool Authority::ServerCertificateServes(const std::vector<std::string>& hosts) const {
  absl::StatusOr<std::string> cert = base::ReadFile(files_, server_cert_path(), kMaxPemBytes);
  absl::StatusOr<std::string> key = base::ReadFile(files_, server_key_path(), kMaxPemBytes);
  if (!cert.ok() || !key.ok()) return false;
  if (!CheckIdentity({.cert_pem = *cert, .key_pem = *key}, ca_pem()).ok()) return false;
  absl::StatusOr<CertificateFacts> facts = Inspect(*cert);
  if (!facts.ok() || facts->validity.until_micros < clock_.NowMicros() + kRenewBefore) return false;
  std::set<std::string> names(facts->dns_names.begin(), facts->dns_names.end());
  names.insert(facts->ip_addresses.begin(), facts->ip_addresses.end());
  return std::all_of(hosts.begin(), hosts.end(),
                     [&](const std::string& host) { return names.contains(Canonical(host)); });
}

absl::StatusOr<bool> Authority::EnsureServerCertificate(const std::vector<std::string>& hosts) {
  if (ServerCertificateServes(hosts)) return false;
  ASSIGN_OR_RETURN(Identity made,
                   Sign(authority_, ServerSubject(hosts), From(clock_.NowMicros(), kServerLife)));
  // A crash between the two leaves a pair that does not fit, which the next start finds and makes
  // anew.
  RETURN_IF_ERROR(base::WriteFileAtomically(files_, server_key_path(), made.key_pem));
  RETURN_IF_ERROR(base::WriteFileAtomically(files_, server_cert_path(), made.cert_pem));
  return true;
}

absl::StatusOr<Identity> Authority::IssueClient(const std::string& name) const {
  return Sign(authority_, {.common_name = name}, From(clock_.NowMicros(), kClientLife));
}

std::string Authority::ca_path() const { return base::JoinPath(dir_, "ca.pem"); }
std::string Authority::server_key_path() const { return base::JoinPath(dir_, "server.key"); }
std::string Authority::server_cert_path() const { return base::JoinPath(dir_, "server.pem"); }

std::vector<std::string> ServerHosts(const std::string& listen_host,
                                     const std::string& advertised_host) {
  std::vector<std::string> hosts;
  const auto add = [&](const std::string& host) {
    const bool wildcard = host.empty() || host == "0.0.0.0" || host == "::";
    const std::string name = Canonical(host);
    if (!wildcard && std::find(hosts.begin(), hosts.end(), name) == hosts.end())
      hosts.push_back(name);
  };
  for (const std::string& host :
       {std::string("localhost"), std::string("127.0.0.1"), std::string("::1"), MachineName(),
        listen_host, advertised_host}) {
    add(host);
  }
  return hosts;
}

bool IsAddress(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes = {};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

bool IsLoopback(const std::string& host) {
  in_addr v4 = {};
  in6_addr v6 = {};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

}  // namespace gradus::auth
