// SPDX-License-Identifier: Apache-2.0
// Predictions by published models: each version that is asked for is a process, loaded when it is
// first needed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/model.pb.h"

namespace gradus::serving {

// Of one answer, all of the model's outputs together.
inline constexpr int64_t kMostAnswerBytes = int64_t{16} << 20;

struct PoolOptions {
  std::string program;  // gradus-worker
  std::string blob_dir;
  // That all processes may take together.
  int64_t memory_bytes = int64_t{2} << 30;
  // A version that nobody has asked for so long goes.
  int64_t idle_micros = int64_t{900} * 1'000'000;
  // A load, or an answer, that takes longer is given up.
  int64_t load_micros = int64_t{60} * 1'000'000;
  int64_t answer_micros = int64_t{30} * 1'000'000;
  // Requests that wait for answers; their inputs and their answers.
  int64_t most_requests = 4096;
  int64_t most_request_bytes = int64_t{128} << 20;
};

// One version of a model.
struct Loadable {
  std::string ref;  // "net@3"
  v1::ModelSpec model;
  v1::BlobRef weights;
  // Of a row's answer, all outputs together.
  int64_t answer_bytes = 0;
  // Bytes that its process will take, as far as can be told before it says so itself; and those of
  // its weights, which it is not believed to do without.
  int64_t memory = 0;
  int64_t weight_bytes = 0;
};

// Rows as in ServeRequest and ServeAnswer.
using Done = std::function<void(absl::StatusOr<std::string> outputs)>;

// Each request is answered whole by the version that it names. Versions are loaded once for all who
// ask meanwhile; where memory does not do for one more, the one that was asked for longest ago
// goes, once it has answered what it was asked. A request whose process dies is asked once more of
// a new one, alone, so that it cannot take others along.
//   Owns     its thread and the processes. The clock must outlive it.
//   Threads  any.
//   Errors   RESOURCE_EXHAUSTED for a model that is larger than the memory allowed, and where too
//            many requests wait; INTERNAL for a request that is lost twice, UNAVAILABLE where a
//            version's processes keep dying; what a load says.
class Pool {
 public:
  static std::unique_ptr<Pool> Start(base::Clock* clock, const PoolOptions& options);
  // Closes.
  virtual ~Pool() = default;

  // `done` is called exactly once, by the pool's thread or this one; it must not wait.
  // REQUIRES: rows * model->answer_bytes <= kMostAnswerBytes.
  virtual void Predict(std::shared_ptr<const Loadable> model, int64_t rows, std::string inputs,
                       Done done) = 0;
  // What waits gets UNAVAILABLE, and so does all that comes.
  virtual void Close() = 0;
  // References of the versions that are loaded now.
  virtual std::vector<std::string> Loaded() = 0;
};

}  // namespace gradus::serving
