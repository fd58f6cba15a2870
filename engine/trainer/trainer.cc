// SPDX-License-Identifier: Apache-2.0
// The border of the folder: what is thrown below becomes a status here.
#include "engine/trainer/trainer.h"

#include <new>

#include "absl/strings/str_cat.h"
#include "engine/base/byte_size.h"
#include "engine/base/cpu.h"
#include "engine/base/status.h"
#include "engine/trainer/fold_run.h"
#include "engine/trainer/run.h"
#include "engine/trainer/transfer_run.h"

namespace gradus::trainer {

absl::StatusOr<TrainResult> Train(const TrainerInputs& inputs, Control& control,
                                  Callback& callback) {
  try {
    if (inputs.spec.kind() == v1::JobSpec::FOLD) return FoldModel(inputs, control, callback);
    if (inputs.spec.kind() == v1::JobSpec::TRANSFER_SEARCH)
      return SearchTransfer(inputs, control, callback);
    TrainingRun run(inputs, control, callback);
    RETURN_IF_ERROR(run.Start());
    return run.Run();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no more memory is to be had; the process has used up to ",
                     base::FormatByteSize(base::PeakResidentBytes())));
  }
}

}  // namespace gradus::trainer
