// SPDX-License-Identifier: Apache-2.0
// Puts an ONNX model together. All values lie in the file itself.
#include "engine/formats/onnx/model_writer.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "onnx/onnx_pb.h"

namespace gradus::onnx {
namespace {

// That of the first release with kOpset.
constexpr int64_t kFormat = 7;
// Longest message that protobuf reads.
constexpr size_t kMostBytes = (size_t{1} << 31U) - 1;

static_assert(std::endian::native == std::endian::little, "raw_data is little endian");

template <typename Number>
void SetValues(::onnx::TensorProto& tensor, std::span<const int64_t> shape,
               const std::vector<Number>& values) {
  tensor.mutable_dims()->Add(shape.begin(), shape.end());
  tensor.mutable_raw_data()->resize(values.size() * sizeof(Number));
  std::memcpy(tensor.mutable_raw_data()->data(), values.data(), values.size() * sizeof(Number));
}

struct AttributeSetter {
  ::onnx::AttributeProto& attribute;

  void operator()(int64_t value) const {
    attribute.set_type(::onnx::AttributeProto::INT);
    attribute.set_i(value);
  }
  void operator()(float value) const {
    attribute.set_type(::onnx::AttributeProto::FLOAT);
    attribute.set_f(value);
  }
  void operator()(const std::string& value) const {
    attribute.set_type(::onnx::AttributeProto::STRING);
    attribute.set_s(value);
  }
  void operator()(const std::vector<int64_t>& values) const {
    attribute.set_type(::onnx::AttributeProto::INTS);
    attribute.mutable_ints()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<float>& values) const {
    attribute.set_type(::onnx::AttributeProto::FLOATS);
    attribute.mutable_floats()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<std::string>& values) const {
    attribute.set_type(::onnx::AttributeProto::STRINGS);
    for (const std::string& value : values) attribute.add_strings(value);
  }
};

void SetRows(::onnx::ValueInfoProto& info, const std::string& name,
             std::span<const int64_t> shape) {
  info.set_name(name);
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(::onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  for (const int64_t extent : shape) type.mutable_shape()->add_dim()->set_dim_value(extent);
}

}  // namespace

struct ModelWriter::State {
  ::onnx::ModelProto model;
  std::string layer;
  std::set<std::string> taken;
  // Indices of the constants that were asked for under a name.
  std::map<std::string, std::vector<int>> constants;

  ::onnx::GraphProto& graph() { return *model.mutable_graph(); }
  std::string InLayer(absl::string_view name) const { return absl::StrCat(layer, "/", name); }

  // The name, or one like it that is free.
  std::string Take(const std::string& name) {
    std::string free = name;
    for (int i = 1; !taken.insert(free).second; ++i) free = absl::StrCat(name, "_", i);
    return free;
  }

  Value Constant(const std::string& name, ::onnx::TensorProto tensor) {
    std::vector<int>& like = constants[name];
    for (const int index : like) {
      ::onnx::TensorProto& other = *graph().mutable_initializer(index);
      tensor.set_name(other.name());
      if (tensor.data_type() == other.data_type() && tensor.raw_data() == other.raw_data() &&
          std::equal(tensor.dims().begin(), tensor.dims().end(), other.dims().begin(),
                     other.dims().end()))
        return other.name();
    }
    tensor.set_name(Take(name));
    like.push_back(graph().initializer_size());
    *graph().add_initializer() = std::move(tensor);
    return graph().initializer().rbegin()->name();
  }
};

ModelWriter::ModelWriter(absl::string_view name) : state_(std::make_unique<State>()) {
  state_->model.set_ir_version(kFormat);
  state_->model.set_producer_name("gradus");
  state_->model.add_opset_import()->set_version(kOpset);
  state_->graph().set_name(std::string(name));
}

ModelWriter::~ModelWriter() = default;

void ModelWriter::BeginLayer(absl::string_view name) { state_->layer = std::string(name); }

Value ModelWriter::Input(const std::string& name, std::span<const int64_t> shape) {
  SetRows(*state_->graph().add_input(), name, shape);
  return name;
}

Value ModelWriter::Node(absl::string_view op, std::vector<Value> inputs,
                        const std::vector<Attribute>& attributes, int output) {
  ::onnx::NodeProto& node = *state_->graph().add_node();
  const std::string name = state_->Take(state_->InLayer(op));
  node.set_name(name);
  node.set_op_type(std::string(op));
  for (Value& input : inputs) node.add_input(std::move(input));
  for (int before = 0; before < output; ++before) node.add_output();
  node.add_output(name);
  for (const Attribute& attribute : attributes) {
    ::onnx::AttributeProto& written = *node.add_attribute();
    written.set_name(attribute.name);
    std::visit(AttributeSetter{written}, attribute.value);
  }
  return name;
}

Value ModelWriter::Constant(const Tensor& tensor) {
  ::onnx::TensorProto made;
  made.set_data_type(::onnx::TensorProto::FLOAT);
  SetValues(made, tensor.shape, tensor.values);
  return state_->Constant(tensor.name, std::move(made));
}

Value ModelWriter::Constant(absl::string_view name, std::vector<int64_t> shape,
                            std::vector<float> values) {
  return Constant(Tensor{state_->InLayer(name), std::move(shape), std::move(values)});
}

Value ModelWriter::Scalar(absl::string_view name, double value) {
  return Constant(name, {}, {static_cast<float>(value)});
}

Value ModelWriter::Integers(absl::string_view name, const std::vector<int64_t>& values) {
  ::onnx::TensorProto made;
  made.set_data_type(::onnx::TensorProto::INT64);
  const auto count = static_cast<int64_t>(values.size());
  SetValues(made, std::span(&count, 1), values);
  return state_->Constant(state_->InLayer(name), std::move(made));
}

void ModelWriter::Output(const std::string& name, std::span<const int64_t> shape,
                         const Value& value) {
  // Names of outputs are the model's, and one value may be two outputs.
  ::onnx::NodeProto& node = *state_->graph().add_node();
  node.set_name(state_->Take(absl::StrCat(name, "/Identity")));
  node.set_op_type("Identity");
  node.add_input(value);
  node.add_output(name);
  SetRows(*state_->graph().add_output(), name, shape);
}

absl::StatusOr<std::string> ModelWriter::Finish() {
  const size_t bytes = state_->model.ByteSizeLong();
  if (bytes > kMostBytes) {
    return absl::FailedPreconditionError(
        absl::StrCat("the model takes ", bytes, " bytes; an ONNX file has at most ", kMostBytes));
  }
  std::string file;
  if (!state_->model.SerializeToString(&file))
    return absl::InternalError("the model could not be written");
  return file;
}

}  // namespace gradus::onnx
