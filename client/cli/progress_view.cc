// SPDX-License-Identifier: Apache-2.0
// One method an event.
#include "client/cli/progress_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/start_line.h"
#include "client/cli/text.h"
#include "gradus/client.h"
#include "proto/support/utf8.h"

namespace gradus::cli {
namespace {

// Where nobody watches, a line now and then tells that it goes on.
constexpr absl::Duration kPlainEvery = absl::Seconds(10);

// More rows than this are no progress line.
constexpr int kMostRows = 4;

}  // namespace

ProgressView::ProgressView(const Output& out, const v1::Job& job) : out_(out) {
  facts_.total_epochs = job.total_epochs();
  facts_.steps_per_epoch = job.steps_per_epoch();
  facts_.stages = std::max(1, job.spec().fit().stages_size());
}

void ProgressView::EndLine() {
  if (drawn_ > 0) out_.Draw("\n");
  drawn_ = 0;
}

int ProgressView::Width() const { return std::max(20, out_.width()); }

std::string ProgressView::Clear() {
  if (drawn_ == 0) return "";
  const int rows = 1 + (drawn_ - 1) / Width();
  drawn_ = 0;
  return absl::StrCat(rows > 1 ? absl::StrCat("\x1b[", rows - 1, "A") : "", "\r\x1b[J");
}

void ProgressView::Line(absl::string_view text) {
  out_.Draw(Clear());
  out_.Line(text);
}

void ProgressView::Draw(absl::string_view text) {
  // A long line goes on in the next row; what is drawn over it begins in its first one. All of it
  // is ASCII but the metrics' names, which the server chooses among its own words.
  const absl::string_view shown = text.substr(0, static_cast<size_t>(Width()) * kMostRows);
  out_.Draw(absl::StrCat(Clear(), shown));
  drawn_ = static_cast<int>(shown.size());
}

void ProgressView::OnOutage(bool lost) {
  EndLine();
  out_.Note(lost ? "The connection is lost; the job goes on. Trying to reach the server again..."
                 : "The connection is back.");
}

void ProgressView::OnEvent(const v1::Event& event) {
  if (event.attempt() > attempt_) {
    if (attempt_ > 0) {
      Line(absl::StrCat("attempt ", event.attempt(), ": ",
                        has_checkpoint_ ? "goes on from the last checkpoint" : "begins anew"));
    }
    attempt_ = event.attempt();
  }
  switch (event.kind_case()) {
    case v1::Event::kStateChanged:
      return OnState(event.state_changed());
    case v1::Event::kStageStarted:
      return OnStage(event.stage_started());
    case v1::Event::kProgress:
      return OnProgress(event);
    case v1::Event::kEpochFinished:
      return Line(EpochLine(event.epoch_finished(), facts_));
    case v1::Event::kEvaluated:
      return Line(absl::StrCat(event.evaluated().view(), MetricsText(event.evaluated().metrics())));
    case v1::Event::kLogLine:
      return OnLog(event.log_line());
    case v1::Event::kModelFolded:
      return OnFolded(event.model_folded());
    case v1::Event::kWeightsTaken:
      return Line(absl::StrCat("weights: ", StartLine(event.weights_taken().tensors())));
    case v1::Event::kTransferTried:
      return OnTried(event.transfer_tried());
    case v1::Event::kCheckpointSaved:
      has_checkpoint_ = true;
      return;
    case v1::Event::kLearningRateTried:  // `job metrics` has the curve
    case v1::Event::kModelPublished:     // the summary at the end says it
    case v1::Event::KIND_NOT_SET:
      return;
  }
}

void ProgressView::OnTried(const v1::TransferTried& tried) {
  const std::string depths = tried.reuse() == 0 ? "from scratch"
                                                : absl::StrCat(tried.reuse(), " reused, ",
                                                               tried.freeze(), " frozen at first");
  Line(absl::StrCat(depths, MetricsText(tried.metrics()), tried.best() ? "  best so far" : ""));
}

void ProgressView::OnProgress(const v1::Event& event) {
  facts_.steps_per_epoch = event.progress().steps_per_epoch();
  const std::string line = ProgressLine(event.progress(), facts_);
  if (out_.is_terminal()) return Draw(line);
  const absl::Time time = absl::FromUnixSeconds(event.time().seconds());
  const bool first = last_plain_ == absl::InfinitePast();
  if (!first && time - last_plain_ >= kPlainEvery) Line(line);
  if (first || time - last_plain_ >= kPlainEvery) last_plain_ = time;
}

void ProgressView::OnState(const v1::StateChanged& change) {
  if (IsFinal(change.to())) return;
  Line(absl::StrCat(v1::Job::State_Name(change.to()),
                    change.reason().empty() ? "" : absl::StrCat(": ", change.reason())));
}

void ProgressView::OnStage(const v1::StageStarted& stage) {
  facts_.stages = std::max(1, stage.stages());
  if (stage.stages() < 2) return;
  Line(absl::StrCat("stage ", stage.stage() + 1, "/", stage.stages(), ": ", stage.epochs(),
                    stage.epochs() == 1 ? " epoch, " : " epochs, ",
                    Grouped(stage.trainable_params()), " weights train"));
}

void ProgressView::OnFolded(const v1::ModelFolded& model) {
  Line(absl::StrCat("folded: ", absl::StrJoin(model.folded(), ", ")));
  for (const v1::UnfoldedLayer& layer : model.unfolded())
    Line(absl::StrCat("not folded: ", layer.layer(), ": ", layer.reason()));
  Line(absl::StrCat("weights: ", Grouped(model.params_before()), " before, ",
                    Grouped(model.params_after()), " after"));
  Line(absl::StrCat("largest difference of the outputs: ", Metric(model.largest_difference()),
                    " over ", Grouped(model.rows()), model.rows() == 1 ? " row" : " rows"));
}

void ProgressView::OnLog(const v1::LogLine& log) {
  if (log.level() < v1::LogLine::WARNING) return;
  Line(absl::StrCat(log.level() == v1::LogLine::ERROR ? "error: " : "warning: ",
                    support::Printable(log.text(), true)));
}

}  // namespace gradus::cli
