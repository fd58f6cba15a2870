// SPDX-License-Identifier: Apache-2.0
// A watch with a view on it.
#include "client/cli/follow.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "client/cli/progress_view.h"
#include "client/cli/text.h"
#include "gradus/watch.h"
#include "proto/support/status_macros.h"

namespace gradus::cli {
namespace {

// Ctrl-C is a wish, no fault: the answer says how to come back.
absl::Status Detached(const absl::Status& status, const Session& session, const std::string& id) {
  if (!absl::IsCancelled(status) || !session.stop().stop_requested()) return status;
  return absl::CancelledError(
      absl::StrCat("detached; job ", id, " goes on. Come back with: gradus job watch ", id));
}

std::string Figures(const v1::Job& job) {
  const std::map<std::string, double> sorted(job.metrics().begin(), job.metrics().end());
  std::string text;
  for (const auto& [name, value] : sorted) absl::StrAppend(&text, "  ", name, " ", Metric(value));
  return text;
}

}  // namespace

absl::Status Outcome(const v1::Job& job) {
  if (job.state() == v1::Job::SUCCEEDED) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat("job ", job.id(), " ", v1::Job::State_Name(job.state()),
                   job.reason().empty() ? "" : absl::StrCat(": ", job.reason())));
}

std::string Summary(const v1::Job& job) {
  std::string text = absl::StrCat("job ", job.id(), " ", v1::Job::State_Name(job.state()));
  if (job.has_started_at() && job.has_finished_at()) {
    absl::StrAppend(&text, " in ", Lasting(Between(job.started_at(), job.finished_at())));
  }
  if (job.attempt() > 1) absl::StrAppend(&text, ", ", job.attempt(), " attempts");
  absl::StrAppend(&text, "\n");
  if (!job.metrics().empty()) absl::StrAppend(&text, Figures(job), "\n");
  if (!job.published().empty()) {
    const std::string name = job.published().substr(0, job.published().find('@'));
    absl::StrAppend(&text, "  published ", job.published(), "; fetch it with: gradus model fetch ",
                    job.published(), " --output ", name, "\n");
  }
  return text;
}

absl::StatusOr<v1::Job> Submit(Session& session, const v1::JobSpec& spec) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  absl::StatusOr<v1::Job> submitted = client.SubmitJob(spec);
  if (absl::IsCancelled(submitted.status()) && session.stop().stop_requested()) {
    return absl::CancelledError(
        "stopped before the server answered: `gradus job ls` tells whether the job is submitted");
  }
  return submitted;
}

absl::Status Follow(Session& session, const v1::Job& job) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  const Output& out = session.out();
  ProgressView view(out, job);
  WatchOptions options;
  options.on_outage = [&view](bool lost) { view.OnOutage(lost); };
  const absl::Status watched = WatchJob(client, job.id(), options, [&](const v1::Event& event) {
    if (out.json()) return out.Json(event);
    if (out.people()) view.OnEvent(event);
    return absl::OkStatus();
  });
  view.EndLine();
  RETURN_IF_ERROR(Detached(watched, session, job.id()));
  ASSIGN_OR_RETURN(const v1::Job finished, client.GetJob(job.id()));
  if (out.people()) out.Text(Summary(finished));
  return Outcome(finished);
}

absl::Status FollowToResult(Session& session, const v1::Job& job) {
  const absl::Status followed = Follow(session, job);
  if (!session.out().json() || absl::IsCancelled(followed)) return followed;
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(const v1::Job finished, client.GetJob(job.id()));
  RETURN_IF_ERROR(session.out().Json(finished));
  return followed;
}

absl::Status Await(Session& session, const std::string& id, v1::Job& finished) {
  ASSIGN_OR_RETURN(const Client client, session.Connect());
  ASSIGN_OR_RETURN(finished, client.GetJob(id));
  if (!IsFinal(finished.state())) {
    const auto ignore = [](const v1::Event&) { return absl::OkStatus(); };
    RETURN_IF_ERROR(Detached(WatchJob(client, id, WatchOptions(), ignore), session, id));
    ASSIGN_OR_RETURN(finished, client.GetJob(id));
  }
  return Outcome(finished);
}

}  // namespace gradus::cli
