// SPDX-License-Identifier: Apache-2.0
#include "server/store/announcements.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/log.h"
#include "server/store/postgres_url.h"

namespace gradus::store {
namespace {

constexpr int kTryAgainMillis = 500;
// Now and then the connection is used, so that one whose server is gone is found out.
constexpr int kProbeMillis = 5000;

using PgConnection = std::unique_ptr<PGconn, void (*)(PGconn*)>;

bool Succeeds(PGconn* connection, const char* sql) {
  PGresult* const result = PQexec(connection, sql);
  const ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

void IgnoreNotice(void*, const char*) {}

class Listener final : public Announcements {
 public:
  Listener(std::string target, std::string self, AnnouncementCallbacks callbacks)
      : target_(std::move(target)),
        self_(std::move(self)),
        callbacks_(std::move(callbacks)),
        stop_(eventfd(0, EFD_CLOEXEC)),
        thread_([this] { Run(); }) {}

  ~Listener() override {
    const uint64_t one = 1;
    static_cast<void>(!write(stop_, &one, sizeof(one)));
    thread_.join();
    close(stop_);
  }

 private:
  void Run() {
    bool told = false;
    do {
      const PgConnection connection(PQconnectdb(target_.c_str()), PQfinish);
      PQsetNoticeProcessor(connection.get(), IgnoreNotice, nullptr);
      const std::string listen = absl::StrCat("LISTEN ", kChannel);
      if (PQstatus(connection.get()) == CONNECTION_OK &&
          Succeeds(connection.get(), listen.c_str())) {
        told = false;
        callbacks_.on_missed();
        Follow(connection.get());
      } else if (!std::exchange(told, true)) {
        base::LogWarning("other servers' announcements cannot be heard", {});
      }
    } while (!Stopped(-1, kTryAgainMillis));
  }

  // Until the connection is lost, or this ends.
  void Follow(PGconn* connection) {
    while (true) {
      while (PGnotify* const notice = PQnotifies(connection)) {
        Tell(notice->extra);
        PQfreemem(notice);
      }
      pollfd ready = {PQsocket(connection), POLLIN, 0};
      if (Stopped(ready.fd, kProbeMillis)) return;
      if (poll(&ready, 1, 0) == 0 && !Succeeds(connection, "SELECT 1")) return;
      if (PQconsumeInput(connection) == 0) return;
    }
  }

  void Tell(std::string_view text) {
    const std::vector<std::string> parts =
        absl::StrSplit(absl::string_view(text.data(), text.size()), absl::MaxSplits(' ', 2));
    if (parts.size() == 3 && parts[0] != self_) callbacks_.on_change(parts[1], parts[2]);
  }

  // Waits for input on `fd`, for an end, or for some time; whether it is the end.
  bool Stopped(int fd, int millis) const {
    pollfd ready[] = {{stop_, POLLIN, 0}, {fd, POLLIN, 0}};
    poll(ready, 2, millis);
    return ready[0].revents != 0;
  }

  const std::string target_;
  const std::string self_;
  const AnnouncementCallbacks callbacks_;
  const int stop_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

std::unique_ptr<Announcements> Announcements::Hear(const std::string& url, const std::string& self,
                                                   AnnouncementCallbacks callbacks) {
  // It has been read before, when the store was opened.
  const absl::StatusOr<PostgresUrl> read = ReadPostgresUrl(url);
  return std::make_unique<Listener>(read.ok() ? read->target : url, self, std::move(callbacks));
}

}  // namespace gradus::store
