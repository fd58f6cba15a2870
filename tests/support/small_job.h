// SPDX-License-Identifier: Apache-2.0
// A small job with small data that trains in milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/philox.h"
#include "gradus/v1/job.pb.h"
#include "tests/support/memory_dataset.h"

namespace gradus::test_support {

// Rows of 12 bytes in 4 classes: class c has larger values at c, c + 4 and c + 8. 203 rows to
// train, 50 to validate, 61 to test.
inline MemoryDataset SmallData() {
  MemoryDataset data("small");
  base::PhiloxStream random({.seed = 1});
  for (const auto& [split, rows] : {std::pair<std::string, int>{"train", 253}, {"test", 61}}) {
    std::vector<uint8_t> x;
    std::vector<uint8_t> y;
    for (int row = 0; row < rows; ++row) {
      const uint32_t label = random.NextBelow(4);
      y.push_back(static_cast<uint8_t>(label));
      for (uint32_t i = 0; i < 12; ++i)
        x.push_back(static_cast<uint8_t>(random.NextBelow(120) + (i % 4 == label ? 100 : 0)));
    }
    data.Add<uint8_t>(split, "x", "U8", {12}, x);
    data.Add<uint8_t>(split, "y", "U8", {}, y);
  }
  return data;
}

// 12 - 16 relu - 4 softmax; batches of 32, the last of an epoch 11 rows.
inline v1::JobSpec SmallJob() {
  v1::JobSpec spec;
  spec.mutable_model()->add_input_shape(12);
  v1::Dense* hidden = spec.mutable_model()->add_layers()->mutable_dense();
  hidden->set_units(16);
  hidden->mutable_activation()->mutable_relu();
  v1::Dense* output = spec.mutable_model()->add_layers()->mutable_dense();
  output->set_units(4);
  output->mutable_activation()->mutable_softmax();
  const auto fill = [](v1::DataView* view, const std::string& split, std::vector<int64_t> range) {
    view->set_dataset("small");
    view->set_split(split);
    view->mutable_range()->Assign(range.begin(), range.end());
    view->set_scale(1.0 / 255.0);
  };
  fill(spec.mutable_data()->mutable_train(), "train", {0, 203});
  fill(spec.mutable_data()->mutable_validation(), "train", {203, 253});
  fill(spec.mutable_data()->mutable_test(), "test", {});
  spec.mutable_loss()->mutable_sparse_categorical_crossentropy();
  spec.mutable_optimizer()->mutable_sgd()->set_learning_rate(0.1);
  spec.add_metrics()->mutable_accuracy();
  spec.mutable_fit()->set_epochs(3);
  spec.mutable_fit()->set_batch_size(32);
  spec.mutable_fit()->set_seed(42);
  spec.mutable_fit()->set_shuffle(true);
  spec.mutable_fit()->set_logical_shards(1);
  spec.mutable_fit()->mutable_checkpoint()->set_every_seconds(0);
  spec.mutable_resources()->set_cores(1);
  return spec;
}
inline constexpr int64_t kStepsPerEpoch = 7;

}  // namespace gradus::test_support
