// SPDX-License-Identifier: Apache-2.0
// Messages of any type with random contents, for properties that must hold for all.
#pragma once

#include <random>

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace gradus::testing {

// Fills some fields of `message`, hostile values among them: extreme numbers, quotes, control
// characters, words that YAML takes for something else. At most `depth` messages inside one
// another.
void FillRandomly(std::mt19937_64& random, int depth, google::protobuf::Message& message);

}  // namespace gradus::testing
