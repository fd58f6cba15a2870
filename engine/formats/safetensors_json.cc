// SPDX-License-Identifier: Apache-2.0
// A handler for nlohmann's event parser, which keeps no stack of calls: depth in the text is no
// depth here.
#include "engine/formats/safetensors_json.h"

#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::formats {
namespace {

constexpr size_t kMaxDimensions = 16;
// Longer names are nobody's, and would fill error messages.
constexpr size_t kMaxName = 1024;
constexpr char kMetadataKey[] = "__metadata__";

class HeaderHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderHandler(std::vector<TensorInfo>& tensors, TensorMetadata& metadata)
      : tensors_(tensors), metadata_(metadata) {}

  absl::Status status() const { return status_; }

  bool key(string_t& word) override {
    switch (place_) {
      case Place::kFile:
        return EnterName(word);
      case Place::kMetadata:
        if (word.size() > kMaxName)
          return Fail(absl::StrCat("a name of ", word.size(), " bytes, at most ", kMaxName));
        if (metadata_.count(word) != 0) return Fail(absl::StrCat("metadata \"", word, "\" twice"));
        key_ = std::move(word);
        return true;
      case Place::kTensor:
        return EnterField(word);
      default:
        return Misplaced("a key");
    }
  }

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::kStart:
        place_ = Place::kFile;
        return true;
      case Place::kName:
        place_ = key_ == kMetadataKey ? Place::kMetadata : Place::kTensor;
        if (place_ == Place::kTensor) {
          tensors_.push_back(TensorInfo{.name = key_, .dtype = {}, .shape = {}});
          fields_.clear();
        }
        return true;
      default:
        return Misplaced("an object");
    }
  }

  bool end_object() override {
    if (place_ == Place::kTensor && fields_.size() != 3)
      return Fail(Tensor("needs dtype, shape and data_offsets"));
    place_ = place_ == Place::kFile ? Place::kEnd : Place::kFile;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::kShapeField) {
      place_ = Place::kShape;
    } else if (place_ == Place::kOffsetsField) {
      place_ = Place::kOffsets;
      offsets_ = 0;
    } else {
      return Misplaced("a list");
    }
    return true;
  }

  bool end_array() override {
    if (place_ == Place::kOffsets && offsets_ != 2) return Fail(Tensor("data_offsets are not two"));
    place_ = Place::kTensor;
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::kMetadata) {
      metadata_.emplace(std::move(key_), std::move(value));
      return true;
    }
    if (place_ != Place::kDtypeField) return Misplaced("a string");
    tensors_.back().dtype = value.substr(0, kMaxName);
    place_ = Place::kTensor;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return Fail(absl::StrCat(value, " is too large"));
    if (place_ == Place::kShape) {
      std::vector<int64_t>& shape = tensors_.back().shape;
      if (shape.size() == kMaxDimensions) return Fail(Tensor("has more than 16 dimensions"));
      shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (place_ != Place::kOffsets) return Misplaced("a number");
    if (offsets_ >= 2) return Fail(Tensor("data_offsets are not two"));
    (offsets_ == 0 ? tensors_.back().begin : tensors_.back().end) = value;
    ++offsets_;
    return true;
  }

  bool null() override { return Misplaced("null"); }
  bool boolean(bool) override { return Misplaced("a boolean"); }
  bool number_integer(number_integer_t) override { return Misplaced("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { return Misplaced("a fraction"); }
  bool binary(binary_t&) override { return Misplaced("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(absl::StrCat("no valid JSON at byte ", position));
  }

 private:
  // Where in the text the next event stands; the ...Field ones follow a tensor's key.
  enum class Place {
    kStart,
    kFile,
    kName,
    kMetadata,
    kTensor,
    kDtypeField,
    kShapeField,
    kOffsetsField,
    kShape,
    kOffsets,
    kEnd
  };

  bool EnterName(string_t& word) {
    if (word.size() > kMaxName)
      return Fail(absl::StrCat("a name of ", word.size(), " bytes, at most ", kMaxName));
    if (!names_.insert(word).second) return Fail(absl::StrCat("\"", word, "\" twice"));
    key_ = std::move(word);
    place_ = Place::kName;
    return true;
  }

  bool EnterField(const string_t& word) {
    if (word == "dtype") {
      place_ = Place::kDtypeField;
    } else if (word == "shape") {
      place_ = Place::kShapeField;
    } else if (word == "data_offsets") {
      place_ = Place::kOffsetsField;
    } else {
      return Fail(Tensor(absl::StrCat("has the unknown field \"", word.substr(0, kMaxName), "\"")));
    }
    if (!fields_.insert(word).second) return Fail(Tensor(absl::StrCat("has ", word, " twice")));
    return true;
  }

  std::string Tensor(absl::string_view what) const {
    return absl::StrCat("tensor \"", tensors_.back().name, "\" ", what);
  }
  bool Misplaced(absl::string_view what) { return Fail(absl::StrCat(what, " where none may be")); }
  bool Fail(absl::string_view what) {
    status_ = absl::InvalidArgumentError(absl::StrCat("safetensors header: ", what));
    return false;
  }

  std::vector<TensorInfo>& tensors_;
  TensorMetadata& metadata_;
  Place place_ = Place::kStart;
  std::string key_;
  std::set<std::string> names_;
  std::set<std::string> fields_;
  int offsets_ = 0;
  absl::Status status_;
};

}  // namespace

absl::Status ParseSafetensorsJson(std::string_view text, std::vector<TensorInfo>& tensors,
                                  TensorMetadata& metadata) {
  HeaderHandler handler(tensors, metadata);
  const bool parsed = nlohmann::json::sax_parse(text, &handler);
  RETURN_IF_ERROR(handler.status());
  if (!parsed) return absl::InvalidArgumentError("safetensors header: no valid JSON");
  return absl::OkStatus();
}

}  // namespace gradus::formats
