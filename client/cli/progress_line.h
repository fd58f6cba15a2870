// SPDX-License-Identifier: Apache-2.0
// What a progress line says.
#pragma once

#include <cstdint>
#include <string>

#include "gradus/v1/events.pb.h"

namespace gradus::cli {

// What the events before have told.
struct RunFacts {
  int64_t total_epochs = 0;
  int32_t stages = 1;
  int64_t steps_per_epoch = 0;
};

// Twenty cells: "[=======>............]", all "=" when done reaches total.
std::string Bar(int64_t done, int64_t total);

// "stage 1/2  epoch 3/20  412/1375 [=====>..............]  ETA 0:03  0.87 ms/step - loss: 0.5123 -
// accuracy: 0.8123"
std::string ProgressLine(const v1::Progress& progress, const RunFacts& facts);

// The same for a whole epoch, with its time in place of the ETA, and the validation's figures.
std::string EpochLine(const v1::EpochFinished& epoch, const RunFacts& facts);

// " - loss: 0.5 - accuracy: 0.8 - val_loss: ...": the loss first, validation last, else by name.
template <typename Map>
std::string MetricsText(const Map& metrics);

}  // namespace gradus::cli
