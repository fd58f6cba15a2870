// SPDX-License-Identifier: Apache-2.0
// What servers on one store agree on.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "server/store/store.h"

namespace gradus::server {

// Names the server of this folder on this machine, also after a restart.
std::string ServerId(const std::string& data_dir);

// Beside the blobs, on a file system that all of them see: the address of the one that leads, which
// ranks read before each connection, and the files of uploads that any of them may go on with.
std::string LeaderFile(const std::string& blob_dir);
std::string UploadsFolder(const std::string& blob_dir);

// They are one server to clients, whose profiles trust one authority: the first that comes says
// which. FAILED_PRECONDITION for another one, with what to do.
absl::Status CheckAuthority(store::Store& store, const std::string& ca_pem);

}  // namespace gradus::server
