// SPDX-License-Identifier: Apache-2.0
#include "server/shared_store.h"

#include <unistd.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"

namespace gradus::server {

std::string ServerId(const std::string& data_dir) {
  constexpr size_t kDigits = 16;
  std::array<char, 256> machine = {};
  if (gethostname(machine.data(), machine.size() - 1) != 0) machine[0] = '\0';
  return base::Sha256Hex(absl::StrCat(machine.data(), "\n", data_dir)).substr(0, kDigits);
}

std::string LeaderFile(const std::string& blob_dir) { return base::JoinPath(blob_dir, "leader"); }

std::string UploadsFolder(const std::string& blob_dir) {
  return base::JoinPath(blob_dir, "uploads");
}

absl::Status CheckAuthority(store::Store& store, const std::string& ca_pem) {
  const std::string ours = base::Sha256Hex(ca_pem);
  std::string theirs;
  RETURN_IF_ERROR(store.Write([&](store::Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(
        tx.Execute("INSERT INTO store_facts (name, value) VALUES ('authority', :sha256)"
                   " ON CONFLICT (name) DO NOTHING",
                   ours));
    ASSIGN_OR_RETURN(auto row, tx.QueryOne<std::string>("SELECT value FROM store_facts"
                                                        " WHERE name = 'authority'"));
    theirs = std::get<0>(*row);
    return absl::OkStatus();
  }));
  if (theirs == ours) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "this store's servers have another certificate authority: copy tls/authority.pem of one of "
      "them into this server's folder, and remove tls/server.pem there");
}

}  // namespace gradus::server
