// SPDX-License-Identifier: Apache-2.0
// Where weights start, for people.
#pragma once

#include <string>

#include "gradus/v1/events.pb.h"

namespace gradus::cli {

// "6 tensors from fashion-a@1, 2 start anew, 2 of fashion-a@1 are not taken"; what starts anew
// since a shape differs is named.
std::string StartLine(const google::protobuf::RepeatedPtrField<v1::TensorStart>& tensors);

}  // namespace gradus::cli
