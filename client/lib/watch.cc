// SPDX-License-Identifier: Apache-2.0
// A cursor that outlives its streams.
#include "gradus/watch.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/support/status_macros.h"
#include "proto/support/text_fields.h"

namespace gradus {
namespace {

// How one stream ended.
struct Ending {
  // Of the stream, or of the handler.
  absl::Status status;
  // The handler refused: nothing more is to be tried.
  bool by_handler = false;
  bool got_events = false;
};

// Whether the server is there, since when it is not, and who is told of it.
class Outage {
 public:
  Outage(const Client& client, const std::string& job, const WatchOptions& options)
      : client_(client), job_(job), options_(options), backoff_(client.options()) {}

  void Heard() {
    Tell(false);
    backoff_.Reset();
  }

  // After a break: whether the server answers. A stream alone would not say so before the job's
  // next event, and that may be hours away.
  absl::Status Probe() {
    if (!lost_) return absl::OkStatus();
    v1::GetJobRequest request;
    request.set_id(job_);
    v1::GetJobResponse response;
    const absl::Status status =
        client_.connection().GetJob(request, &response,
                                    {.deadline = absl::Now() + client_.options().attempt,
                                     .stop = client_.stop(),
                                     .wait_for_connection = true});
    if (status.ok()) Tell(false);
    return status;
  }

  // Waits before the next attempt; `status` again when it is time to give up.
  absl::Status Wait(const absl::Status& status) {
    if (!status.ok()) {
      if (!lost_) since_ = absl::Now();
      Tell(true);
      if (absl::Now() - since_ >= options_.longest_outage) return status;
    }
    if (WaitFor(client_.options(), backoff_.Next(status), client_.stop())) return absl::OkStatus();
    return absl::CancelledError("stopped");
  }

 private:
  void Tell(bool lost) {
    if (lost_ == lost) return;
    lost_ = lost;
    if (options_.on_outage) options_.on_outage(lost);
  }

  const Client& client_;
  const std::string& job_;
  const WatchOptions& options_;
  Backoff backoff_;
  bool lost_ = false;
  absl::Time since_;
};

// Opens one stream and reads it to its end. `events` takes the events out of a response.
template <typename Request, typename Response, typename Events, typename Handle>
Ending ReadStream(const Client& client,
                  std::unique_ptr<ResponseStream<Response>> (Connection::*open)(const Request&),
                  const Request& request, Events events, Outage& outage, const Handle& handle) {
  Ending ending;
  ending.status = support::CheckTextFields(request);
  if (ending.status.ok()) ending.status = outage.Probe();
  if (!ending.status.ok()) return ending;
  const auto stream = (client.connection().*open)(request);
  const std::stop_callback cancel(client.stop(), [&stream] { stream->Cancel(); });
  Response response;
  while (!ending.by_handler && stream->Read(&response)) {
    outage.Heard();
    for (const v1::Event& event : events(response)) {
      ending.got_events = true;
      ending.status = handle(event);
      if (ending.status.ok()) continue;
      ending.by_handler = true;
      stream->Cancel();
      break;
    }
  }
  const absl::Status finished = stream->Finish();
  if (!ending.by_handler) ending.status = finished;
  return ending;
}

bool MayComeBack(const absl::Status& status) {
  return IsTransient(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

absl::Status WatchJob(const Client& client, const std::string& id, const WatchOptions& options,
                      const std::function<absl::Status(const v1::Event&)>& handle) {
  int64_t last = options.after_seq;
  bool is_final = false;
  const auto take = [&](const v1::Event& event) -> absl::Status {
    if (event.seq() <= last) return absl::OkStatus();
    if (event.seq() != last + 1) {
      return absl::DataLossError(
          absl::StrCat("job ", id, ": the server sent event ", event.seq(), " after event ", last));
    }
    last = event.seq();
    is_final = event.has_state_changed() && IsFinal(event.state_changed().to());
    return handle(event);
  };
  Outage outage(client, id, options);
  while (true) {
    if (client.stop().stop_requested()) return absl::CancelledError("stopped");
    v1::WatchJobRequest request;
    request.set_id(id);
    request.set_after_seq(last);
    const Ending ending = ReadStream(
        client, &Connection::WatchJob, request,
        [](const auto& r) -> const auto& { return r.events(); }, outage, take);
    if (ending.by_handler || is_final) return ending.by_handler ? ending.status : absl::OkStatus();
    // The whole life was seen before: nothing new came, and the server says that nothing will.
    if (ending.status.ok() && !ending.got_events && last > 0 && last == options.after_seq)
      return absl::OkStatus();
    if (client.stop().stop_requested()) return absl::CancelledError("stopped");
    if (!ending.status.ok() && !MayComeBack(ending.status)) return ending.status;
    RETURN_IF_ERROR(outage.Wait(ending.status));
  }
}

absl::Status StreamLogs(const Client& client, const std::string& id, bool follow,
                        const WatchOptions& options,
                        const std::function<absl::Status(const v1::Event&)>& handle) {
  int64_t last = options.after_seq;
  const auto take = [&](const v1::Event& event) -> absl::Status {
    if (event.seq() <= last) return absl::OkStatus();
    last = event.seq();
    return handle(event);
  };
  Outage outage(client, id, options);
  while (true) {
    if (client.stop().stop_requested()) return absl::CancelledError("stopped");
    v1::StreamLogsRequest request;
    request.set_id(id);
    request.set_follow(follow);
    const Ending ending = ReadStream(
        client, &Connection::StreamLogs, request,
        [](const auto& r) -> const auto& { return r.lines(); }, outage, take);
    if (ending.by_handler || ending.status.ok()) return ending.status;
    if (client.stop().stop_requested()) return absl::CancelledError("stopped");
    if (!MayComeBack(ending.status)) return ending.status;
    RETURN_IF_ERROR(outage.Wait(ending.status));
  }
}

}  // namespace gradus
