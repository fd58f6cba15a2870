// SPDX-License-Identifier: Apache-2.0
// A job's events as a person follows them: one line that is drawn again on a terminal, plain lines
// elsewhere.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/output.h"
#include "client/cli/progress_line.h"
#include "gradus/v1/events.pb.h"
#include "gradus/v1/job.pb.h"

namespace gradus::cli {

class ProgressView {
 public:
  // `out` must outlive it.
  ProgressView(const Output& out, const v1::Job& job);

  void OnEvent(const v1::Event& event);
  // The connection was lost, or is back.
  void OnOutage(bool lost);
  // Leaves a line that is being drawn as it is, and goes to the next one.
  void EndLine();

 private:
  void OnProgress(const v1::Event& event);
  void OnState(const v1::StateChanged& change);
  void OnStage(const v1::StageStarted& stage);
  void OnTried(const v1::TransferTried& tried);
  void OnFolded(const v1::ModelFolded& model);
  void OnLog(const v1::LogLine& log);
  // A line that stays.
  void Line(absl::string_view text);
  int Width() const;
  // What takes the drawn line away.
  std::string Clear();
  // The line that is drawn again.
  void Draw(absl::string_view text);

  const Output& out_;
  RunFacts facts_;
  // Columns that the drawn line would take on one row; 0 when there is none. How many rows that are
  // depends on the window's width now, not on that when it was drawn.
  int drawn_ = 0;
  int32_t attempt_ = 0;
  bool has_checkpoint_ = false;
  absl::Time last_plain_ = absl::InfinitePast();
};

}  // namespace gradus::cli
