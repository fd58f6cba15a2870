// SPDX-License-Identifier: Apache-2.0
// The parser that runs `gradus-worker parse` as a process of its own, with nothing but the files it
// needs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "server/registry/parser.h"

namespace gradus::registry {

struct ParseChildOptions {
  std::string program;  // gradus-worker
  int parallel = 2;     // children at once; more calls wait
  int64_t base_micros =
      60'000'000;  // time limit: this, and a second for each 8 MiB of input or output allowed
  int64_t memory_bytes = int64_t{512} << 20;  // and ten times the file for an ONNX graph
};

// The child gets its request as JSON on file descriptor 3, inputs and outputs as further
// descriptors, and answers with JSON on standard output. It has an empty environment, limits on
// memory, processor time, file sizes and descriptors, and no way to open, connect or start
// anything.
//   Threads  any.
std::unique_ptr<Parser> NewParseChild(base::Clock* clock, const ParseChildOptions& options);

}  // namespace gradus::registry
