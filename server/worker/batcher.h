// SPDX-License-Identifier: Apache-2.0
// Requests for predictions gathered into batches.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/mutex.h"
#include "gradus/v1/serving.pb.h"

namespace gradus::worker {

// What a batch goes through.
struct BatchModel {
  // Values of a row of each input, of each output.
  std::vector<int64_t> inputs;
  std::vector<int64_t> outputs;
  // Rows of the largest batch, a power of two.
  int64_t max_rows = 1;
  // As plan::Predictor::Predict; called with 1, 2, 4, ... max_rows rows alone.
  std::function<absl::Status(const float* inputs, int64_t rows, float* outputs)> predict;
};

// Nobody waits for company: a batch is of the rows that were waiting when the one before it was
// done, so that a request that comes alone is computed at once, and one that comes while a batch is
// computed waits for that one. A request with more rows than a batch has stands in line again after
// each, so that those behind it get their turn. Where memory does not do for a request or a batch,
// that one is answered with RESOURCE_EXHAUSTED.
//   Owns     its buffers.
//   Threads  Add, Stop: any. Run: one.
class Batcher {
 public:
  // `deliver` is called by Run's thread, and by Add's for a request that fits no model.
  Batcher(BatchModel model, std::function<void(const v1::ServeAnswer&)> deliver);

  void Add(v1::ServeRequest request);
  // Answers until Stop; what waits then is not answered.
  void Run();
  void Stop();

 private:
  struct Waiting {
    v1::ServeRequest request;
    int64_t done = 0;  // rows of it that are answered
    v1::ServeAnswer answer;
  };
  // Rows of a request that are part of a batch.
  struct Share {
    std::unique_ptr<Waiting> of;
    int64_t rows = 0;
  };

  absl::Status Accept(v1::ServeRequest request);
  // Waits for some; empty after Stop.
  std::vector<Share> NextBatch();
  absl::Status Compute(std::vector<Share>& shares);
  void Gather(const std::vector<Share>& shares, int64_t padded);
  void Scatter(std::vector<Share>& shares, int64_t padded) const;
  // Answers what is done or has failed, and puts the rest back in line.
  void HandOut(std::vector<Share> shares, const absl::Status& status);
  void Refuse(uint64_t id, const absl::Status& status) const;

  const BatchModel model_;
  const std::function<void(const v1::ServeAnswer&)> deliver_;
  const int64_t input_values_;
  const int64_t output_values_;
  std::vector<float> inputs_;   // Run's
  std::vector<float> outputs_;  // Run's

  base::Mutex mu_;
  base::CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::unique_ptr<Waiting>> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace gradus::worker
