// SPDX-License-Identifier: Apache-2.0
#include "engine/formats/safetensors.h"

#include <string>
#include <vector>

#include "engine/base/status.h"
#include "engine/formats/safetensors_writer.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

std::string WriteAgain(const formats::SafetensorsView& view) {
  std::string file;
  auto writer = formats::SafetensorsWriter::Create(
      view.tensors(), view.metadata(), [&](std::span<const std::byte> bytes) {
        file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return absl::OkStatus();
      });
  Require(writer.ok(), "what is read can be written");
  for (const formats::TensorInfo& tensor : view.tensors())
    Require(writer->Append(view.Bytes(tensor)).ok(), "each tensor is as long as its header says");
  Require(writer->Finish().ok(), "what is read can be written to its end");
  return file;
}

absl::Status Run(std::span<const std::byte> bytes) {
  ASSIGN_OR_RETURN(const formats::SafetensorsView view, formats::SafetensorsView::Parse(bytes));
  size_t values = 0;
  for (const formats::TensorInfo& tensor : view.tensors()) values += view.Bytes(tensor).size();
  Require(view.header().data_begin + values == bytes.size(), "tensors fill the file");
  const std::string file = WriteAgain(view);
  const auto again = formats::SafetensorsView::Parse(std::as_bytes(std::span<const char>(file)));
  Require(again.ok(), "what is written can be read");
  Require(again->tensors() == view.tensors() && again->metadata() == view.metadata(),
          "what is written says the same");
  std::vector<std::string> names;
  for (size_t i = 0; i < view.tensors().size(); i += 2) names.push_back(view.tensors()[i].name);
  const auto subset = formats::SelectTensors(view.header(), names);
  Require(subset.ok(), "every part of a file is a file");
  uint64_t size = subset->header.size();
  for (const formats::ByteRange& range : subset->ranges) {
    Require(range.offset <= bytes.size() && range.size <= bytes.size() - range.offset,
            "a part lies within its file");
    size += range.size;
  }
  Require(size == subset->size, "a part is as long as it says");
  return absl::OkStatus();
}

}  // namespace

extern constinit const FuzzTarget safetensors_kind = {.name = "safetensors", .run = Run};

}  // namespace gradus::fuzz
