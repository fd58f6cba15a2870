// SPDX-License-Identifier: Apache-2.0
#include "server/worker/gloo_connector.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/strip.h"
#include "engine/collective/gloo_group.h"
#include "server/worker/notes.h"

namespace gradus::worker {
namespace {

// Others may come late, out of a long validation. Who is lost is the server's word, which ends both
// waits by a newer meeting.
constexpr std::chrono::minutes kConnectTimeout{10};
constexpr std::chrono::hours kSilenceTimeout{24 * 7};

// Of HOST:PORT or [ADDRESS]:PORT.
std::string HostOf(const std::string& endpoint) {
  absl::string_view host(endpoint);
  host = host.substr(0, std::min(host.rfind(':'), host.size()));
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  return std::string(host);
}

}  // namespace

Connector GlooConnector(ServerLink& link) {
  return [&link](const v1::Meeting& meeting, const std::atomic<bool>& given_up) {
    Notes notes(link, meeting.generation(), given_up);
    return collective::ConnectGloo(
        {.self = {.generation = meeting.generation(),
                  .rank = meeting.rank(),
                  .size = meeting.size(),
                  .secret = meeting.secret()},
         .network = link.config().network(),
         .server_host = HostOf(link.endpoint()),
         .notes = {.put = [&](const std::string& key,
                              const std::string& value) { return notes.Put(key, value); },
                   .get = [&](const std::vector<std::string>& keys) { return notes.Get(keys); }},
         .connect_timeout = kConnectTimeout,
         .silence_timeout = kSilenceTimeout,
         .aborted = [&] { return given_up.load(); }});
  };
}

}  // namespace gradus::worker
