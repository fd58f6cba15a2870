// SPDX-License-Identifier: Apache-2.0
// The families of kinds, each seen as the same few facts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace gradus::conformance {

// One kind, as far as all kinds are alike.
struct Member {
  int field = 0;
  std::string word;
  std::string_view documentation;
  std::string_view source;
  bool has_reference = false;
  // Null entries among its other functions.
  bool whole = false;
  // Its samples, which `Family::check` has seen once and twice.
  std::vector<int> sample_fields;
  std::vector<std::string> samples_checked;
  std::vector<std::string> samples_checked_again;
  // Messages of refused samples.
  std::vector<std::string> refusals;
};

// A message with a oneof `kind`, and the table that goes with it.
struct Family {
  std::string name;
  const google::protobuf::Descriptor* message = nullptr;
  std::vector<Member> members;
};

// All of them: a new family is one more entry.
std::vector<Family> Families();

}  // namespace gradus::conformance
