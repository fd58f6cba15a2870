// SPDX-License-Identifier: Apache-2.0
// Random values by the field's type.
#include "tests/unit/proto/support/random_message.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <iterator>
#include <limits>
#include <string>

namespace gradus::testing {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

template <typename T, size_t n>
const T& OneOf(std::mt19937_64& random, const T (&values)[n]) {
  return values[random() % n];
}

template <typename Int>
Int RandomInt(std::mt19937_64& random) {
  const Int values[] = {std::numeric_limits<Int>::min(), std::numeric_limits<Int>::max(), 0, 1,
                        static_cast<Int>(random())};
  return OneOf(random, values);
}

double RandomDouble(std::mt19937_64& random) {
  const double values[] = {0.0,
                           -0.0,
                           0.1,
                           1.0 / 255,
                           1e-7,
                           -1e300,
                           5e-324,
                           std::numeric_limits<double>::infinity(),
                           std::uniform_real_distribution<double>(-1, 1)(random)};
  return OneOf(random, values);
}

std::string RandomText(std::mt19937_64& random) {
  const char* const values[] = {"word",
                                "",
                                "null",
                                "Yes",
                                "007",
                                "1e3",
                                "~",
                                "- a",
                                "a: b",
                                "#x",
                                "it's",
                                "\"q\"",
                                "back\\slash",
                                "two\nlines",
                                "tab\t",
                                "\x01\x1f\x7f",
                                " padded ",
                                "caf\xc3\xa9",
                                "&a",
                                "*a",
                                "{x}",
                                "%",
                                "@"};
  return OneOf(random, values);
}

#define GRADUS_PUT(Type, value)                                        \
  (field.is_repeated() ? reflection.Add##Type(&message, &field, value) \
                       : reflection.Set##Type(&message, &field, value))

void PutOne(std::mt19937_64& random, int depth, const FieldDescriptor& field, Message& message) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return GRADUS_PUT(Int32, RandomInt<int32_t>(random));
    case FieldDescriptor::CPPTYPE_INT64:
      return GRADUS_PUT(Int64, RandomInt<int64_t>(random));
    case FieldDescriptor::CPPTYPE_UINT32:
      return GRADUS_PUT(UInt32, RandomInt<uint32_t>(random));
    case FieldDescriptor::CPPTYPE_UINT64:
      return GRADUS_PUT(UInt64, RandomInt<uint64_t>(random));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return GRADUS_PUT(Double, RandomDouble(random));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return GRADUS_PUT(Float, static_cast<float>(RandomDouble(random)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return GRADUS_PUT(Bool, random() % 2 == 0);
    case FieldDescriptor::CPPTYPE_STRING:
      return GRADUS_PUT(String, RandomText(random));
    case FieldDescriptor::CPPTYPE_ENUM:
      return GRADUS_PUT(Enum,
                        field.enum_type()->value(static_cast<int>(
                            random() % static_cast<size_t>(field.enum_type()->value_count()))));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  if (depth > 0) {
    FillRandomly(random, depth - 1,
                 field.is_repeated() ? *reflection.AddMessage(&message, &field)
                                     : *reflection.MutableMessage(&message, &field));
  }
}

// One pair: equal keys would not survive any text form.
void PutPair(std::mt19937_64& random, const FieldDescriptor& field, Message& message) {
  Message& pair = *message.GetReflection()->AddMessage(&message, &field);
  PutOne(random, 0, *field.message_type()->map_key(), pair);
  PutOne(random, 0, *field.message_type()->map_value(), pair);
}

}  // namespace

void FillRandomly(std::mt19937_64& random, int depth, Message& message) {
  if (message.GetDescriptor() == google::protobuf::Timestamp::descriptor()) {
    google::protobuf::Timestamp time;
    time.set_seconds(static_cast<int64_t>(random() % 4'000'000'000));
    time.set_nanos(static_cast<int32_t>(random() % 1'000'000'000));
    message.CopyFrom(time);
    return;
  }
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (random() % 3 == 0) continue;
    if (field.is_map()) {
      PutPair(random, field, message);
      continue;
    }
    const size_t count = field.is_repeated() ? random() % 4 : 1;
    for (size_t n = 0; n < count; ++n) PutOne(random, depth, field, message);
  }
}

}  // namespace gradus::testing
