// SPDX-License-Identifier: Apache-2.0
// Calls callbacks and does what they say.
#include "engine/trainer/epoch_callbacks.h"

#include <utility>

#include "engine/base/status.h"
#include "engine/trainer/events.h"

namespace gradus::trainer {

void EpochCallbacks::Reset(std::span<const v1::Callback> of_stage) {
  current_ = specs_;
  current_.insert(current_.end(), of_stage.begin(), of_stage.end());
  memory_ = {};
  for (const v1::Callback& spec : current_) {
    const std::vector<double> start = callbacks::Find(spec)->start(spec);
    memory_.numbers.insert(memory_.numbers.end(), start.begin(), start.end());
  }
}

bool EpochCallbacks::AfterEpoch(const callbacks::Epoch& epoch, plan::Executable& executable,
                                Callback& events) {
  bool end_stage = false;
  std::span<double> rest = memory_.numbers;
  for (const v1::Callback& spec : current_) {
    const callbacks::CallbackKind& kind = *callbacks::Find(spec);
    const size_t numbers = kind.start(spec).size();
    const callbacks::Verdict verdict = kind.after_epoch(spec, epoch, rest.first(numbers));
    rest = rest.subspan(numbers);
    if (verdict.keep_weights) memory_.kept_weights = executable.ExportWeights();
    if (verdict.learning_rate.has_value()) {
      memory_.learning_rate = *verdict.learning_rate;
      executable.SetLearningRate(*verdict.learning_rate);
    }
    if (!verdict.note.empty()) SendLogLine(events, v1::LogLine::INFO, verdict.note);
    end_stage = end_stage || verdict.end_stage;
  }
  return end_stage;
}

absl::Status EpochCallbacks::EndStage(plan::Executable& executable) {
  return executable.ImportWeights(memory_.kept_weights);
}

absl::Status EpochCallbacks::Restore(CallbackMemory memory, plan::Executable& executable) {
  if (memory.numbers.size() != memory_.numbers.size())
    return absl::DataLossError("the checkpoint's callbacks are not those of this job");
  memory_ = std::move(memory);
  if (memory_.learning_rate >= 0) executable.SetLearningRate(memory_.learning_rate);
  return absl::OkStatus();
}

}  // namespace gradus::trainer
