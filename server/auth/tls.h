// SPDX-License-Identifier: Apache-2.0
// The server's own certificate authority under DIR/tls: made at the first start, and the
// certificates that it signs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "server/auth/x509.h"

namespace gradus::auth {

// The authority of one data folder.
//   Files    DIR/authority.pem (key and certificate in one file, so that they cannot be torn
//   apart), DIR/ca.pem (what clients are
//            given), DIR/server.key and DIR/server.pem. All of mode 0600.
//   Owns     nothing: files and clock must outlive it.
//   Threads  one at a time; the caller holds the data folder's lock.
class Authority {
 public:
  // Reads the authority in `dir`, or makes it when there is none. FAILED_PRECONDITION when what is
  // there is damaged or expired: it is never replaced silently, since every profile trusts it.
  static absl::StatusOr<std::unique_ptr<Authority>> Open(base::Files& files, base::Clock& clock,
                                                         std::string dir);

  // Makes sure that DIR/server.{key,pem} hold a certificate of this authority for all of `hosts`
  // (names or addresses) that lasts 30 days more; makes a new one if not. Returns whether it did.
  absl::StatusOr<bool> EnsureServerCertificate(const std::vector<std::string>& hosts);

  // A certificate with which the client `name` can open connections, for 90 days.
  absl::StatusOr<Identity> IssueClient(const std::string& name) const;

  const std::string& ca_pem() const { return authority_.cert_pem; }
  std::string ca_path() const;
  std::string server_key_path() const;
  std::string server_cert_path() const;

 private:
  Authority(base::Files& files, base::Clock& clock, std::string dir, Identity authority)
      : files_(files), clock_(clock), dir_(std::move(dir)), authority_(std::move(authority)) {}

  bool ServerCertificateServes(const std::vector<std::string>& hosts) const;

  base::Files& files_;
  base::Clock& clock_;
  const std::string dir_;
  const Identity authority_;
};

// Names and addresses that a server on `listen_host` is reached by: itself, 127.0.0.1, ::1,
// localhost, the machine's name.
std::vector<std::string> ServerHosts(const std::string& listen_host,
                                     const std::string& advertised_host = "");

// Whether `host` is an IP address rather than a name.
bool IsAddress(const std::string& host);

// Whether packets to `host` never leave this machine. Names other than "localhost" are not looked
// up: false.
bool IsLoopback(const std::string& host);

}  // namespace gradus::auth
