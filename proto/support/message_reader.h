// SPDX-License-Identifier: Apache-2.0
// A YAML tree becomes a message, by the message's descriptor: the proto is the one schema.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/support/yaml_tree.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace gradus::support {

// Keys that a message knows, as people write them.
std::vector<std::string> KnownKeys(const google::protobuf::Descriptor& type);

// The field with that name (or JSON name), or an error that names the nearest known key: "unknown
// key; ...".
absl::StatusOr<const google::protobuf::FieldDescriptor*> FindKey(
    const google::protobuf::Descriptor& type, absl::string_view key);

// True for a message that a bare word may stand for: its only oneof is called `kind`.
bool TakesBareWord(const google::protobuf::Descriptor& type);

// True for a range, which one value may stand for as both of its ends: its only fields are `min`
// and `max`, scalars of one type.
bool TakesOneValue(const google::protobuf::Descriptor& type);

// Reads one tree. The sugar of job files holds everywhere: a bare word for a kind, a scalar for a
// list of one or for a range of one.
//   Threads  one at a time.
//   Errors   INVALID_ARGUMENT "line 12: model.layers[2].dense.unitz: unknown key; did you mean
//   "units"?" with the path as
//            payload. The message is then partly filled.
class MessageReader {
 public:
  // Fills `message`, which is at `path`.
  absl::Status ReadMessage(const YamlNode& node, const std::string& path,
                           google::protobuf::Message& message);
  // Sets one field; appends all that `node` has where it is a list or a map.
  absl::Status ReadField(const YamlNode& node, const std::string& path,
                         const google::protobuf::FieldDescriptor& field,
                         google::protobuf::Message& message);
  // Sets a field that is no list, or appends one entry to a list.
  absl::Status ReadValue(const YamlNode& node, const std::string& path,
                         const google::protobuf::FieldDescriptor& field,
                         google::protobuf::Message& message);

 private:
  absl::Status CountStep(const YamlNode& node, const std::string& path);
  absl::Status ReadEntries(const YamlNode& node, const std::string& path,
                           google::protobuf::Message& message);
  absl::Status ReadBareWord(const YamlNode& node, const std::string& path,
                            google::protobuf::Message& message);
  absl::Status ReadOneValue(const YamlNode& node, const std::string& path,
                            google::protobuf::Message& message);
  absl::Status ReadItem(const YamlNode& node, const std::string& path,
                        const google::protobuf::FieldDescriptor& field,
                        google::protobuf::Message& message);
  absl::Status ReadList(const YamlNode& node, const std::string& path,
                        const google::protobuf::FieldDescriptor& field,
                        google::protobuf::Message& message);
  absl::Status ReadMap(const YamlNode& node, const std::string& path,
                       const google::protobuf::FieldDescriptor& field,
                       google::protobuf::Message& message);

  // What was read so far, aliases counted each time.
  size_t steps_ = 0;
  size_t text_bytes_ = 0;
};

}  // namespace gradus::support
