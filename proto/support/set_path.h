// SPDX-License-Identifier: Apache-2.0
// Changes one field of a message by its path: what `--set fit.seed=7` does.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace gradus::support {

// Sets the field at `path` ("optimizer.sgd.learning_rate", "model.layers[1].dense.units") to
// `value`, read as in a job file; messages on the way are made, another kind gives way to the one
// named. An index one past a list's end appends. `null` or nothing takes the field out (or the
// entry out of its list).
//   Errors   INVALID_ARGUMENT with the path, as ParseText says it, without a line.
absl::Status SetPath(absl::string_view path, absl::string_view value,
                     google::protobuf::Message& message);

// The same for "PATH=VALUE".
absl::Status ApplySetting(absl::string_view setting, google::protobuf::Message& message);

}  // namespace gradus::support
