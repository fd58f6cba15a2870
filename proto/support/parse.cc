// SPDX-License-Identifier: Apache-2.0
// Text -> tree -> message.
#include "proto/support/parse.h"

#include <google/protobuf/message.h>

#include "proto/support/message_reader.h"
#include "proto/support/status_macros.h"
#include "proto/support/yaml_tree.h"

namespace gradus::support {

absl::Status ParseText(absl::string_view text, google::protobuf::Message& message) {
  message.Clear();
  ASSIGN_OR_RETURN(const YamlRef tree, ParseYaml(text));
  if (tree->kind == YamlNode::Kind::kNull)
    return absl::InvalidArgumentError("there is nothing in it");
  return MessageReader().ReadMessage(*tree, "", message);
}

}  // namespace gradus::support
