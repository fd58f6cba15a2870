// SPDX-License-Identifier: Apache-2.0
// One pass is steps_per_epoch batches of a reader without end.
#include "engine/trainer/evaluator.h"

#include <cstddef>
#include <limits>
#include <span>
#include <utility>

#include "engine/base/status.h"

namespace gradus::trainer {

absl::StatusOr<std::unique_ptr<Evaluator>> Evaluator::Create(std::shared_ptr<const data::View> view,
                                                             const Options& options) {
  const int64_t rows = view->rows();
  ASSIGN_OR_RETURN(
      auto reader,
      data::BatchReader::Create(std::move(view), {.batch_size = options.batch_size,
                                                  .end_epoch = std::numeric_limits<int64_t>::max(),
                                                  .logical_shards = options.logical_shards,
                                                  .share = options.share,
                                                  .cpus = options.cpus}));
  return std::unique_ptr<Evaluator>(new Evaluator(std::move(reader), rows, options));
}

absl::StatusOr<std::optional<plan::Totals>> Evaluator::Run(plan::Executable& executable,
                                                           const Control& control, Ranks* ranks) {
  if (ranks != nullptr && ranks->size() > 1) return RunShared(executable, control, *ranks);
  plan::Totals totals = executable.StartTotals(rows_);
  for (int64_t step = 0; step < reader_->steps_per_epoch(); ++step) {
    if (control.request() != Control::Request::kNone) return std::nullopt;
    const data::Batch& batch = *reader_->Next();
    RETURN_IF_ERROR(executable.EvalStep(StepOf(batch), &totals));
  }
  return totals;
}

// Ranks meet once, at the end, and add up what all of them noted in the order of the rows: sums are
// those of one process to the last bit.
absl::StatusOr<std::optional<plan::Totals>> Evaluator::RunShared(plan::Executable& executable,
                                                                 const Control& control,
                                                                 Ranks& ranks) {
  const int64_t steps = reader_->steps_per_epoch();
  const std::span<const base::ShardRange> shares = ranks.shares();
  std::vector<size_t> sizes(shares.size(), 0);
  size_t all_bytes = 0;
  for (size_t rank = 0; rank < shares.size(); ++rank) {
    for (int64_t step = 0; step < steps; ++step)
      sizes[rank] += executable.NoteBytes(RowsOf(step), shares[rank]);
    all_bytes += sizes[rank];
  }
  std::vector<std::byte> own(sizes[static_cast<size_t>(ranks.place())]);
  std::span<std::byte> left(own);
  for (int64_t step = 0; step < steps; ++step) {
    // A stop waits: the others would miss this rank.
    if (control.request() == Control::Request::kCancel) return std::nullopt;
    const data::Batch& batch = *reader_->Next();
    const size_t bytes = executable.NoteBytes(batch.rows, ranks.share());
    RETURN_IF_ERROR(executable.EvalShare(StepOf(batch), left.first(bytes)));
    left = left.subspan(bytes);
  }
  std::vector<std::byte> all(all_bytes);
  RETURN_IF_ERROR(ranks.Gather(own, sizes, all));
  std::vector<std::span<const std::byte>> rest;
  size_t at = 0;
  for (const size_t size : sizes) {
    rest.push_back(std::span<const std::byte>(all).subspan(at, size));
    at += size;
  }
  plan::Totals totals = executable.StartTotals(rows_);
  std::vector<std::span<const std::byte>> notes(shares.size());
  for (int64_t step = 0; step < steps; ++step) {
    for (size_t rank = 0; rank < shares.size(); ++rank) {
      const size_t bytes = executable.NoteBytes(RowsOf(step), shares[rank]);
      notes[rank] = rest[rank].first(bytes);
      rest[rank] = rest[rank].subspan(bytes);
    }
    executable.AddNotes(RowsOf(step), notes, &totals);
  }
  return totals;
}

}  // namespace gradus::trainer
