// SPDX-License-Identifier: Apache-2.0
// `gradus-worker parse`: the process in which what users upload is read, so that no byte of it can
// harm the server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::worker {

// Reads one request as JSON from file descriptor 3, shuts itself in (sandbox.h), parses,
// writes one answer as JSON to standard output and ends the process with 0; with 1 for a request
// that it cannot read. Runs no exit handlers.
//   Request  {"memory": BYTES, "cpu_seconds": N, "max_output": BYTES of all outputs together,
//             "max_answer": BYTES of the answer,
//             "files": [{"input": FD, "output": FD, "format": "IDX", "labels": whether to count
//             values}, ...]}; with "model": {"spec": v1.ModelSpec in base64, empty where the file
//             has one} the only file is a model
//   Answer   {"columns": [{"file": INDEX, "name": that of the array, "rows": N, "dtype": "U8",
//             "shape": [28, 28], "label_counts": [[VALUE, ROWS], ...]}, ...]}, in the order in
//             which their values are in the outputs;
//            {"model": {"spec": v1.ModelSpec, "weights": v1.WeightsIndex without digests, both in
//             base64, "weights_sha256": HEX}};
//            or {"error": {"file": INDEX, "code": canonical code, "message": TEXT}}
[[noreturn]] void RunParse();

// The answer to a request, outside of any sandbox; for RunParse and its tests.
std::string AnswerParse(std::string_view request);

}  // namespace gradus::worker
