// SPDX-License-Identifier: Apache-2.0
// `gradus-worker serve`: the process that holds one version of a model and answers with it, so that
// the server itself never runs what its users have trained.
#pragma once

namespace gradus::worker {

// Reads a ServeSetup from file descriptor 3, loads, shuts itself in (sandbox.h), and answers frames
// of ServeRequest on file descriptor 4 with frames of ServeAnswer until there are no more. Dies
// with the thread that started it. Ends the process with 0, or with 1 where it could not load: then
// it has said why in its first and only answer.
[[noreturn]] void RunServe();

}  // namespace gradus::worker
