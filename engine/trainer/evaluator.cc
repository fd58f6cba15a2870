// SPDX-License-Identifier: Apache-2.0
// One pass is steps_per_epoch batches of a reader without end.
#include "engine/trainer/evaluator.h"

#include <limits>
#include <utility>

#include "engine/base/status.h"

namespace gradus::trainer {

absl::StatusOr<std::unique_ptr<Evaluator>> Evaluator::Create(std::shared_ptr<const data::View> view,
                                                             int64_t batch_size,
                                                             const std::vector<int>& cpus) {
  const int64_t rows = view->rows();
  ASSIGN_OR_RETURN(
      auto reader,
      data::BatchReader::Create(std::move(view), {.batch_size = batch_size,
                                                  .end_epoch = std::numeric_limits<int64_t>::max(),
                                                  .cpus = cpus}));
  return std::unique_ptr<Evaluator>(new Evaluator(std::move(reader), rows));
}

absl::StatusOr<std::optional<plan::Totals>> Evaluator::Run(plan::Executable& executable,
                                                           const Control& control) {
  plan::Totals totals = executable.StartTotals(rows_);
  for (int64_t step = 0; step < reader_->steps_per_epoch(); ++step) {
    if (control.request() != Control::Request::kNone) return std::nullopt;
    const data::Batch& batch = *reader_->Next();
    RETURN_IF_ERROR(executable.EvalStep(StepOf(batch), &totals));
  }
  return totals;
}

}  // namespace gradus::trainer
