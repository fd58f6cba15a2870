// SPDX-License-Identifier: Apache-2.0
// A safetensors file whose metadata hold the position, the epoch's running sums and a digest over
// the whole file, itself taken as zeros.
#include "engine/trainer/checkpoint.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/safetensors_writer.h"
#include "engine/trainer/stored_file.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace gradus::trainer {
namespace {

constexpr char kFormat[] = "gradus checkpoint 4";
constexpr char kWeights[] = "weights/";
constexpr char kSlots[] = "slots/";
constexpr char kKept[] = "kept/";
// Of the metric with this number.
constexpr char kStates[] = "states/";
constexpr char kRows[] = "rows/";
constexpr size_t kDigestDigits = 64;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("not a whole checkpoint: ", what));
}

// A double by its bits: exact, and no locale has a say.
std::string Bits(double value) {
  return absl::StrCat(absl::Hex(std::bit_cast<uint64_t>(value), absl::kZeroPad16));
}

void AppendSerialized(const google::protobuf::MessageLite& message, std::string* text) {
  google::protobuf::io::StringOutputStream stream(text);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
}

formats::TensorMetadata MetadataOf(const Checkpoint& checkpoint) {
  formats::TensorMetadata metadata = {
      {"format", kFormat},
      {"digest", std::string(kDigestDigits, '0')},
      {"stage", absl::StrCat(checkpoint.position.stage)},
      {"epoch", absl::StrCat(checkpoint.position.epoch)},
      {"step_in_epoch", absl::StrCat(checkpoint.position.step_in_epoch)},
      {"step", absl::StrCat(checkpoint.position.step)},
      {"rows", absl::StrCat(checkpoint.totals.rows)},
      {"loss", Bits(checkpoint.totals.loss)},
      {"metrics", absl::StrCat(checkpoint.totals.metrics.size())},
      {"spec_digest", checkpoint.spec_digest},
      {"isa", checkpoint.provenance.isa},
      {"onednn", checkpoint.provenance.onednn},
      {"threads", absl::StrCat(checkpoint.provenance.threads)},
      {"optimizer_steps", absl::StrCat(checkpoint.optimizer_steps)},
  };
  metadata["callback_numbers"] = absl::StrCat(checkpoint.callbacks.numbers.size());
  for (size_t i = 0; i < checkpoint.callbacks.numbers.size(); ++i)
    metadata[absl::StrCat("callback_", i)] = Bits(checkpoint.callbacks.numbers[i]);
  metadata["callback_learning_rate"] = Bits(checkpoint.callbacks.learning_rate);
  metadata["best_epochs"] = absl::StrCat(checkpoint.best.size());
  for (size_t i = 0; i < checkpoint.best.size(); ++i) {
    metadata[absl::StrCat("best_value_", i)] = Bits(checkpoint.best[i].value);
    metadata[absl::StrCat("best_step_", i)] = absl::StrCat(checkpoint.best[i].step);
  }
  return metadata;
}

// A tensor of the file.
struct Part {
  formats::TensorInfo info;
  std::span<const std::byte> bytes;
};

template <typename T>
Part PartOf(std::string name, const char* dtype, std::vector<int64_t> shape,
            const std::vector<T>& values) {
  return {{.name = std::move(name), .dtype = dtype, .shape = std::move(shape)},
          std::as_bytes(std::span<const T>(values))};
}

// In the file's order; they borrow the checkpoint's memory.
std::vector<Part> PartsOf(const Checkpoint& checkpoint) {
  const std::pair<const char*, const std::vector<plan::NamedTensor>*> lists[] = {
      {kWeights, &checkpoint.weights},
      {kSlots, &checkpoint.slots},
      {kKept, &checkpoint.callbacks.kept_weights}};
  std::vector<Part> parts;
  for (const auto& [prefix, tensors] : lists) {
    for (const plan::NamedTensor& tensor : *tensors)
      parts.push_back(
          PartOf(absl::StrCat(prefix, tensor.name), "F32", tensor.shape, tensor.values));
  }
  for (size_t i = 0; i < checkpoint.totals.metrics.size(); ++i) {
    const auto& [state, kept] = checkpoint.totals.metrics[i];
    parts.push_back(
        PartOf(absl::StrCat(kStates, i), "F64", {static_cast<int64_t>(state.size())}, state));
    parts.push_back(
        PartOf(absl::StrCat(kRows, i), "F32", {static_cast<int64_t>(kept.size())}, kept));
  }
  return parts;
}

// Numbers out of the metadata; the first one that is missing or malformed is remembered.
class Fields {
 public:
  explicit Fields(const formats::TensorMetadata& metadata) : metadata_(metadata) {}

  std::string Text(const std::string& key) {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) Fail(key);
    return found == metadata_.end() ? "" : found->second;
  }
  int64_t Count(const std::string& key, int64_t most) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(Text(key), &value) || value < 0 || value > most) {
      Fail(key);
      return 0;
    }
    return value;
  }
  double Double(const std::string& key) {
    const std::string text = Text(key);
    uint64_t bits = 0;
    if (text.size() != 16 || !absl::SimpleHexAtoi(text, &bits)) Fail(key);
    return std::bit_cast<double>(bits);
  }
  const absl::Status& status() const { return status_; }

 private:
  void Fail(const std::string& key) {
    if (status_.ok()) status_ = Damaged(absl::StrCat("metadata \"", key, "\""));
  }

  const formats::TensorMetadata& metadata_;
  absl::Status status_;
};

// Whether the file's digest, taken with its own digits as zeros, is the one that it names.
absl::Status CheckDigest(std::span<const std::byte> bytes, const formats::SafetensorsView& view) {
  const auto named = view.metadata().find("digest");
  if (named == view.metadata().end() || named->second.size() != kDigestDigits)
    return Damaged("it names no digest");
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()),
                                view.header().data_begin);
  const size_t at = header.find(named->second);
  if (at == std::string_view::npos) return Damaged("it names no digest");
  base::Sha256 hash;
  hash.Update(bytes.first(at));
  hash.Update(std::string(kDigestDigits, '0'));
  hash.Update(bytes.subspan(at + kDigestDigits));
  return base::ToHex(hash.Finish()) == named->second ? absl::OkStatus()
                                                     : Damaged("its digest does not match");
}

template <typename T>
std::vector<T> ValuesOf(const formats::SafetensorsView& view, const formats::TensorInfo& info) {
  const std::span<const std::byte> bytes = view.Bytes(info);
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Of the metrics that the metadata have counted.
absl::Status ReadTally(const formats::SafetensorsView& view, const formats::TensorInfo& info,
                       std::vector<metrics::Tally>* tallies) {
  const std::string_view name = info.name;
  const bool is_state = name.starts_with(kStates);
  size_t metric = 0;
  if (!absl::SimpleAtoi(info.name.substr(info.name.find('/') + 1), &metric) ||
      metric >= tallies->size() || info.dtype != (is_state ? "F64" : "F32"))
    return Damaged(absl::StrCat("tensor \"", info.name, "\""));
  if (is_state) {
    (*tallies)[metric].state = ValuesOf<double>(view, info);
  } else {
    (*tallies)[metric].kept = ValuesOf<float>(view, info);
  }
  return absl::OkStatus();
}

absl::Status ReadTensors(const formats::SafetensorsView& view, Checkpoint* checkpoint) {
  for (const formats::TensorInfo& info : view.tensors()) {
    const std::string_view name = info.name;
    if (name.starts_with(kStates) || name.starts_with(kRows)) {
      RETURN_IF_ERROR(ReadTally(view, info, &checkpoint->totals.metrics));
      continue;
    }
    if (info.dtype != "F32") return Damaged(absl::StrCat("tensor \"", info.name, "\" is no F32"));
    std::vector<plan::NamedTensor>* list = name.starts_with(kWeights) ? &checkpoint->weights
                                           : name.starts_with(kSlots) ? &checkpoint->slots
                                           : name.starts_with(kKept)
                                               ? &checkpoint->callbacks.kept_weights
                                               : nullptr;
    if (list == nullptr) return Damaged(absl::StrCat("tensor \"", info.name, "\""));
    list->push_back(
        {std::string(name.substr(name.find('/') + 1)), info.shape, ValuesOf<float>(view, info)});
  }
  return absl::OkStatus();
}

absl::Status ReadMetadata(const formats::SafetensorsView& view, Checkpoint* checkpoint) {
  constexpr int64_t kMany = int64_t{1} << 62;
  Fields fields(view.metadata());
  if (fields.Text("format") != kFormat) return Damaged("another format");
  checkpoint->position = {.stage = static_cast<int>(fields.Count("stage", 1 << 30)),
                          .epoch = fields.Count("epoch", kMany),
                          .step_in_epoch = fields.Count("step_in_epoch", kMany),
                          .step = fields.Count("step", kMany)};
  checkpoint->totals.rows = fields.Count("rows", kMany);
  checkpoint->totals.loss = fields.Double("loss");
  constexpr int64_t kMostMetrics = 1024;
  checkpoint->totals.metrics.resize(static_cast<size_t>(fields.Count("metrics", kMostMetrics)));
  checkpoint->spec_digest = fields.Text("spec_digest");
  checkpoint->provenance = {fields.Text("isa"), fields.Text("onednn"),
                            static_cast<int>(fields.Count("threads", 1 << 20))};
  checkpoint->optimizer_steps = fields.Count("optimizer_steps", kMany);
  constexpr int64_t kMostNumbers = 1024;
  const int64_t numbers = fields.Count("callback_numbers", kMostNumbers);
  for (int64_t i = 0; i < numbers; ++i)
    checkpoint->callbacks.numbers.push_back(fields.Double(absl::StrCat("callback_", i)));
  checkpoint->callbacks.learning_rate = fields.Double("callback_learning_rate");
  const int64_t best = fields.Count("best_epochs", kMostNumbers);
  for (int64_t i = 0; i < best; ++i) {
    checkpoint->best.push_back({fields.Double(absl::StrCat("best_value_", i)),
                                fields.Count(absl::StrCat("best_step_", i), kMany)});
  }
  return fields.status();
}

absl::StatusOr<std::string> HeaderOf(const Checkpoint& checkpoint, std::span<const Part> parts) {
  std::vector<formats::TensorInfo> infos;
  for (const Part& part : parts) infos.push_back(part.info);
  ASSIGN_OR_RETURN(std::string header,
                   formats::MakeSafetensorsHeader(infos, MetadataOf(checkpoint)));
  base::Sha256 hash;
  hash.Update(std::string_view(header));
  for (const Part& part : parts) hash.Update(part.bytes);
  // No other text in the header can hold that many zeros: names and numbers are short, the spec's
  // digest is a digest.
  header.replace(header.find(std::string(kDigestDigits, '0')), kDigestDigits,
                 base::ToHex(hash.Finish()));
  return header;
}

}  // namespace

std::string SpecDigest(const v1::JobSpec& spec, std::span<const v1::Dataset> datasets) {
  v1::JobSpec part;
  *part.mutable_model() = spec.model();
  *part.mutable_data() = spec.data();
  *part.mutable_loss() = spec.loss();
  *part.mutable_optimizer() = spec.optimizer();
  *part.mutable_metrics() = spec.metrics();
  *part.mutable_outputs() = spec.outputs();
  *part.mutable_class_weight() = spec.class_weight();
  *part.mutable_fit() = spec.fit();
  part.mutable_fit()->clear_checkpoint();
  std::string text;
  AppendSerialized(part, &text);
  std::vector<std::string> digests;
  for (const v1::Dataset& dataset : datasets)
    digests.push_back(absl::StrCat("\n", dataset.name(), " ", dataset.digest()));
  std::sort(digests.begin(), digests.end());
  for (const std::string& digest : digests) text += digest;
  return base::Sha256Hex(std::string_view(text));
}

absl::StatusOr<StoredFile> WriteCheckpoint(base::Files& files, const std::string& dir,
                                           const Checkpoint& checkpoint) {
  const std::vector<Part> parts = PartsOf(checkpoint);
  ASSIGN_OR_RETURN(const std::string header, HeaderOf(checkpoint, parts));
  ASSIGN_OR_RETURN(StoredFileWriter writer, StoredFileWriter::Create(files, dir));
  RETURN_IF_ERROR(writer.Append(base::AsBytes(header)));
  for (const Part& part : parts) RETURN_IF_ERROR(writer.Append(part.bytes));
  return writer.Commit(absl::StrCat("checkpoint-", checkpoint.position.step, ".safetensors"));
}

absl::StatusOr<std::string> EncodeCheckpoint(const Checkpoint& checkpoint) {
  const std::vector<Part> parts = PartsOf(checkpoint);
  ASSIGN_OR_RETURN(std::string bytes, HeaderOf(checkpoint, parts));
  size_t size = bytes.size();
  for (const Part& part : parts) size += part.bytes.size();
  bytes.reserve(size);
  for (const Part& part : parts)
    bytes.append(reinterpret_cast<const char*>(part.bytes.data()), part.bytes.size());
  return bytes;
}

absl::StatusOr<Checkpoint> ReadCheckpoint(std::span<const std::byte> bytes) {
  const absl::StatusOr<formats::SafetensorsView> view = formats::SafetensorsView::Parse(bytes);
  if (!view.ok()) return Damaged(view.status().message());
  RETURN_IF_ERROR(CheckDigest(bytes, *view));
  Checkpoint checkpoint;
  RETURN_IF_ERROR(ReadMetadata(*view, &checkpoint));
  RETURN_IF_ERROR(ReadTensors(*view, &checkpoint));
  return checkpoint;
}

}  // namespace gradus::trainer
