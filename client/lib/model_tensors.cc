// SPDX-License-Identifier: Apache-2.0
// Fetches into a folder that goes away, and reads the file that is there then.
#include "gradus/model_tensors.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "gradus/model_fetch.h"
#include "internal/file.h"
#include "proto/support/status_macros.h"

namespace gradus {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are read as they lie in a file");

using google::protobuf::Struct;
using google::protobuf::Value;

constexpr int64_t kMostHeader = 16 << 20;
// Beyond it a number of JSON is not exact.
constexpr double kMostNumber = 1LL << 53;

absl::StatusOr<std::string> MakeTemporaryFolder() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  std::string path = (parent / "gradus-XXXXXX").string();
  if (error || mkdtemp(path.data()) == nullptr)
    return absl::UnknownError(absl::StrCat(path, ": ", error ? error.message() : strerror(errno)));
  return path;
}

absl::StatusOr<int64_t> NumberOf(const Value& value) {
  const double number = value.number_value();
  if (!value.has_number_value() || number < 0 || number > kMostNumber ||
      number != std::floor(number))
    return absl::InvalidArgumentError("the header has a number that is none");
  return static_cast<int64_t>(number);
}

absl::StatusOr<std::vector<int64_t>> NumbersOf(const Struct& tensor, const std::string& key) {
  std::vector<int64_t> numbers;
  const auto found = tensor.fields().find(key);
  if (found == tensor.fields().end() || !found->second.has_list_value())
    return absl::InvalidArgumentError(absl::StrCat("a tensor has no ", key));
  for (const Value& value : found->second.list_value().values()) {
    ASSIGN_OR_RETURN(const int64_t number, NumberOf(value));
    numbers.push_back(number);
  }
  return numbers;
}

// A tensor's shape, and where its bytes begin behind the header.
struct Placed {
  int64_t begin = 0;
  int64_t end = 0;
  Tensor tensor;
};

absl::StatusOr<Placed> PlacedOf(const std::string& name, const Struct& described,
                                int64_t data_bytes) {
  const auto dtype = described.fields().find("dtype");
  if (dtype == described.fields().end() || dtype->second.string_value() != "F32")
    return absl::InvalidArgumentError(absl::StrCat(name, " is no tensor of F32"));
  Placed placed;
  placed.tensor.name = name;
  ASSIGN_OR_RETURN(placed.tensor.shape, NumbersOf(described, "shape"));
  ASSIGN_OR_RETURN(const std::vector<int64_t> offsets, NumbersOf(described, "data_offsets"));
  int64_t bytes = sizeof(float);
  for (const int64_t extent : placed.tensor.shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes))
      return absl::InvalidArgumentError(absl::StrCat(name, " is too large"));
  }
  if (offsets.size() != 2 || offsets[1] - offsets[0] != bytes || offsets[1] > data_bytes)
    return absl::InvalidArgumentError(absl::StrCat(name, " is not where the header says"));
  placed.begin = offsets[0];
  placed.end = offsets[1];
  return placed;
}

absl::Status ReadExactly(const internal::File& file, int64_t offset, std::span<char> to) {
  ASSIGN_OR_RETURN(const size_t got, file.ReadAt(offset, to));
  return got == to.size() ? absl::OkStatus() : absl::InvalidArgumentError("the file ends early");
}

absl::StatusOr<std::vector<Tensor>> ReadFrom(const internal::File& file) {
  ASSIGN_OR_RETURN(const int64_t size, file.Size());
  int64_t length = 0;
  RETURN_IF_ERROR(ReadExactly(file, 0, std::span(reinterpret_cast<char*>(&length), 8)));
  if (length < 0 || length > kMostHeader || length > size - 8)
    return absl::InvalidArgumentError("the header is longer than it can be");
  std::string text(static_cast<size_t>(length), '\0');
  RETURN_IF_ERROR(ReadExactly(file, 8, text));
  Struct header;
  if (!google::protobuf::util::JsonStringToMessage(text, &header).ok())
    return absl::InvalidArgumentError("the header is no JSON");
  std::vector<Placed> placed;
  for (const auto& [name, value] : header.fields()) {
    if (name == "__metadata__") continue;
    ASSIGN_OR_RETURN(Placed one, PlacedOf(name, value.struct_value(), size - 8 - length));
    placed.push_back(std::move(one));
  }
  std::sort(placed.begin(), placed.end(),
            [](const Placed& a, const Placed& b) { return a.begin < b.begin; });
  std::vector<Tensor> tensors;
  int64_t end = 0;
  for (Placed& one : placed) {
    if (one.begin != std::exchange(end, one.end))
      return absl::InvalidArgumentError(absl::StrCat(one.tensor.name, " is not behind the others"));
    one.tensor.values.resize(static_cast<size_t>(one.end - one.begin) / sizeof(float));
    const std::span<float> values(one.tensor.values);
    RETURN_IF_ERROR(
        ReadExactly(file, 8 + length + one.begin,
                    std::span(reinterpret_cast<char*>(values.data()), values.size_bytes())));
    tensors.push_back(std::move(one.tensor));
  }
  return tensors;
}

}  // namespace

const Tensor* FetchedModel::Find(const std::string& name) const {
  for (const Tensor& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

absl::StatusOr<std::vector<Tensor>> ReadTensors(const std::string& path) {
  ASSIGN_OR_RETURN(const internal::File file, internal::File::Open(path));
  absl::StatusOr<std::vector<Tensor>> tensors = ReadFrom(file);
  if (!absl::IsInvalidArgument(tensors.status())) return tensors;
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", tensors.status().message()));
}

absl::StatusOr<FetchedModel> FetchModel(const Client& client, const std::string& ref,
                                        const std::vector<std::string>& layers) {
  ASSIGN_OR_RETURN(const std::string folder, MakeTemporaryFolder());
  const absl::Cleanup remove = [&folder] {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  };
  FetchOptions options;
  options.layers = layers;
  FetchedModel fetched;
  ASSIGN_OR_RETURN(fetched.model, FetchModel(client, ref, folder, options));
  ASSIGN_OR_RETURN(fetched.tensors,
                   ReadTensors(absl::StrCat(folder, "/", FileName(options.format))));
  return fetched;
}

}  // namespace gradus
