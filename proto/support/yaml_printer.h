// SPDX-License-Identifier: Apache-2.0
// Messages as YAML, for people: the effective job file.
#pragma once

#include <string>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace gradus::support {

// What ParseText reads back to the same message: fields in the proto's order, enum words
// lower-case, 64-bit numbers plain, kinds without settings as bare words, ranges of one
// value as that value, lists of numbers and words on one line, numbers with the fewest digits that
// are exact. A message with nothing set is
// "{}".
std::string PrintYaml(const google::protobuf::Message& message);

}  // namespace gradus::support
