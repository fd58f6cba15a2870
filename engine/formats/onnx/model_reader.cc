// SPDX-License-Identifier: Apache-2.0
// ONNX files, read from bytes that nobody vouches for.
#include "engine/formats/onnx/model_reader.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/node_order.h"
#include "engine/formats/onnx/parsing_cost.h"
#include "engine/formats/onnx/tensor_reader.h"
#include "onnx/onnx_pb.h"

namespace gradus::onnx {
namespace {

using ::onnx::AttributeProto;
using ::onnx::TensorProto;

absl::Status Unknown(absl::string_view path, absl::string_view message) {
  return base::FieldError(absl::StatusCode::kUnimplemented, path, message);
}

absl::Status CheckCount(absl::string_view path, int found, int most) {
  if (found <= most) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(found), absl::StrCat("at most ", most));
}

absl::Status Parse(std::span<const std::byte> file, ::onnx::ModelProto& model) {
  constexpr size_t kMostBytes = std::numeric_limits<int>::max();
  if (file.size() > kMostBytes)
    return absl::InvalidArgumentError(absl::StrCat(
        "the file has ", file.size(), " bytes; an ONNX file has at most ", kMostBytes));
  RETURN_IF_ERROR(CheckParsingCost(*::onnx::ModelProto::descriptor(), file));
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(file.data()),
                                               static_cast<int>(file.size()));
  input.SetRecursionLimit(kMostDepth);
  if (!model.ParseFromCodedStream(&input) || !input.ConsumedEntireMessage())
    return absl::InvalidArgumentError("its bytes are no ONNX model, or not all of one");
  return absl::OkStatus();
}

// That of ONNX's own operators.
bool IsOnnxs(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

absl::StatusOr<int64_t> OpsetOf(const ::onnx::ModelProto& model) {
  int64_t version = 0;
  for (const auto& opset : model.opset_import())
    if (IsOnnxs(opset.domain())) version = opset.version();
  if (version >= kLeastOpset && version <= kMostOpset) return version;
  return Unknown("opset_import",
                 absl::StrCat("version ", version, " of the operators is not read; ", kLeastOpset,
                              " to ", kMostOpset, " are"));
}

// Constants and nodes of one graph.
class GraphReading {
 public:
  explicit GraphReading(::onnx::GraphProto& graph) : graph_(graph) {}

  absl::Status ReadInitializers() {
    RETURN_IF_ERROR(CheckCount("graph.initializer", graph_.initializer_size(), kMostTensors));
    if (graph_.sparse_initializer_size() > 0)
      return Unknown("graph.sparse_initializer", "sparse tensors are not read");
    for (int i = 0; i < graph_.initializer_size(); ++i) {
      TensorProto& tensor = *graph_.mutable_initializer(i);
      RETURN_IF_ERROR(base::InField(AddConstant(tensor.name(), tensor),
                                    absl::StrCat("graph.initializer[", i, "]")));
      // It is not needed any more.
      tensor.Clear();
    }
    return absl::OkStatus();
  }

  absl::Status ReadEnds() {
    for (int i = 0; i < graph_.input_size(); ++i) {
      // Older files list constants among the inputs.
      if (result_.constants.contains(graph_.input(i).name())) continue;
      RETURN_IF_ERROR(
          base::InField(AddInput(graph_.input(i)), absl::StrCat("graph.input[", i, "]")));
    }
    RETURN_IF_ERROR(
        CheckCount("graph.input", static_cast<int>(result_.inputs.size()), kMostInputs));
    RETURN_IF_ERROR(CheckCount("graph.output", graph_.output_size(), kMostOutputs));
    if (graph_.output_size() == 0)
      return absl::InvalidArgumentError("graph.output: the model has no output");
    for (const auto& output : graph_.output()) result_.outputs.push_back(output.name());
    return absl::OkStatus();
  }

  absl::Status ReadNodes() {
    RETURN_IF_ERROR(CheckCount("graph.node", graph_.node_size(), kMostNodes));
    for (int i = 0; i < graph_.node_size(); ++i) {
      RETURN_IF_ERROR(base::InField(AddNode(i), absl::StrCat("graph.node[", i, "]")));
      graph_.mutable_node(i)->Clear();
    }
    return absl::OkStatus();
  }

  ModelGraph Take() && { return std::move(result_); }

 private:
  absl::Status AddConstant(const std::string& name, const TensorProto& tensor) {
    ASSIGN_OR_RETURN(Constant constant, ReadTensor(tensor));
    return AddConstant(name, std::move(constant));
  }

  absl::Status AddConstant(const std::string& name, Constant constant) {
    elements_ += static_cast<int64_t>(constant.size());
    if (elements_ > kMostElements)
      return absl::InvalidArgumentError(
          absl::StrCat("the model has more than ", kMostElements, " values"));
    if (name.empty()) return absl::InvalidArgumentError("a constant has no name");
    if (result_.constants.emplace(name, std::move(constant)).second) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("\"", base::Shown(name), "\" is made twice"));
  }

  absl::Status AddInput(const ::onnx::ValueInfoProto& info) {
    if (info.name().empty()) return base::InvalidArgument("name", "\"\"", "a name");
    if (!info.type().has_tensor_type() || !info.type().tensor_type().has_shape())
      return absl::InvalidArgumentError(
          absl::StrCat("\"", base::Shown(info.name()), "\" is no tensor of a known shape"));
    const auto& type = info.type().tensor_type();
    GraphInput input{.name = info.name()};
    ASSIGN_OR_RETURN(input.whole, IsWhole(type.elem_type()));
    RETURN_IF_ERROR(CheckCount("type.tensor_type.shape.dim", type.shape().dim_size(), kMostAxes));
    size_t open = 0;
    for (const auto& dim : type.shape().dim()) {
      if (!dim.has_dim_value()) ++open;
      if (!dim.has_dim_value() && input.shape.size() > 0 && open == 1)
        input.batch = input.shape.size();
      input.shape.push_back(dim.has_dim_value() ? dim.dim_value() : 0);
    }
    const bool fits = std::ranges::count_if(input.shape, [](int64_t e) { return e < 1; }) ==
                      static_cast<int64_t>(open);
    if (!fits || open > 1 || input.shape.empty())
      return base::FieldError(
          absl::StatusCode::kInvalidArgument, "type.tensor_type.shape",
          absl::StrCat("\"", base::Shown(info.name()),
                       "\": each axis but that of the batch has to have an extent, 1 or more"));
    result_.inputs.push_back(std::move(input));
    return absl::OkStatus();
  }

  static absl::StatusOr<bool> IsWhole(int type) {
    if (type == TensorProto::FLOAT) return false;
    if (type == TensorProto::INT64 || type == TensorProto::INT32) return true;
    return base::InvalidArgument("type.tensor_type.elem_type", absl::StrCat(type),
                                 "the type of an input that can be fed: FLOAT, INT64 or INT32");
  }

  absl::Status AddNode(int position) {
    const ::onnx::NodeProto& node = graph_.node(position);
    if (!IsOnnxs(node.domain())) {
      return Unknown("domain",
                     absl::StrCat("operator ", base::Shown(node.op_type()), " is of the domain \"",
                                  base::Shown(node.domain()), "\", which is not known"));
    }
    if (!std::ranges::all_of(node.op_type(), absl::ascii_isalnum))
      return Unknown("op_type", absl::StrCat(base::Shown(node.op_type()), " is no operator"));
    Node read{.position = position, .name = node.name(), .op = node.op_type()};
    read.inputs.assign(node.input().begin(), node.input().end());
    read.outputs.assign(node.output().begin(), node.output().end());
    if (read.op == "Constant") return AddConstantNode(node);
    for (int i = 0; i < node.attribute_size(); ++i) {
      const AttributeProto& attribute = node.attribute(i);
      absl::StatusOr<AttributeValue> value = ValueOf(attribute);
      RETURN_IF_ERROR(base::InField(value.status(), absl::StrCat("attribute[", i, "]")));
      if (!read.attributes.emplace(attribute.name(), *std::move(value)).second)
        return base::FieldError(
            absl::StatusCode::kInvalidArgument, absl::StrCat("attribute[", i, "]"),
            absl::StrCat("\"", base::Shown(attribute.name()), "\" is there twice"));
    }
    result_.nodes.push_back(std::move(read));
    return absl::OkStatus();
  }

  absl::Status AddConstantNode(const ::onnx::NodeProto& node) {
    if (node.output_size() != 1 || node.attribute_size() != 1)
      return absl::InvalidArgumentError("a Constant has one attribute and one output");
    const AttributeProto& attribute = node.attribute(0);
    if (attribute.type() == AttributeProto::TENSOR)
      return base::InField(AddConstant(node.output(0), attribute.t()), "attribute[0].t");
    ASSIGN_OR_RETURN(AttributeValue value, ValueOf(attribute));
    Constant constant;
    if (const auto* integer = std::get_if<int64_t>(&value)) {
      constant.values = std::vector<int64_t>{*integer};
    } else if (const auto* number = std::get_if<float>(&value)) {
      constant.values = std::vector<float>{*number};
    } else if (auto* integers = std::get_if<std::vector<int64_t>>(&value)) {
      constant = {{static_cast<int64_t>(integers->size())}, std::move(*integers)};
    } else if (auto* numbers = std::get_if<std::vector<float>>(&value)) {
      constant = {{static_cast<int64_t>(numbers->size())}, std::move(*numbers)};
    } else {
      return Unknown("attribute[0]", "text is no value that is read");
    }
    return AddConstant(node.output(0), std::move(constant));
  }

  static absl::StatusOr<AttributeValue> ValueOf(const AttributeProto& attribute) {
    if (!attribute.ref_attr_name().empty())
      return Unknown("ref_attr_name", "functions are not read");
    switch (attribute.type()) {
      case AttributeProto::INT:
        return AttributeValue(int64_t{attribute.i()});
      case AttributeProto::FLOAT:
        return AttributeValue(attribute.f());
      case AttributeProto::STRING:
        return AttributeValue(attribute.s());
      case AttributeProto::INTS:
        return AttributeValue(
            std::vector<int64_t>(attribute.ints().begin(), attribute.ints().end()));
      case AttributeProto::FLOATS:
        return AttributeValue(
            std::vector<float>(attribute.floats().begin(), attribute.floats().end()));
      case AttributeProto::STRINGS:
        return AttributeValue(
            std::vector<std::string>(attribute.strings().begin(), attribute.strings().end()));
      case AttributeProto::TENSOR:
        return SingleValueOf(attribute.t());
      case AttributeProto::GRAPH:
      case AttributeProto::GRAPHS:
        return Unknown("g", "graphs within nodes are not read");
      default:
        return Unknown("type",
                       absl::StrCat("an attribute of type ", attribute.type(), " is not read"));
    }
  }

  static absl::StatusOr<AttributeValue> SingleValueOf(const TensorProto& tensor) {
    const absl::StatusOr<Constant> constant = ReadTensor(tensor);
    RETURN_IF_ERROR(base::InField(constant.status(), "t"));
    if (constant->size() != 1) return Unknown("t", "a tensor as an attribute is not read");
    if (const std::vector<float>* floats = constant->floats()) return AttributeValue((*floats)[0]);
    return AttributeValue((*constant->integers())[0]);
  }

  ::onnx::GraphProto& graph_;
  ModelGraph result_;
  int64_t elements_ = 0;
};

}  // namespace

absl::StatusOr<ModelGraph> ReadModel(std::span<const std::byte> file) {
  ::onnx::ModelProto model;
  RETURN_IF_ERROR(Parse(file, model));
  ASSIGN_OR_RETURN(const int64_t opset, OpsetOf(model));
  if (model.functions_size() > 0) return Unknown("functions", "functions are not read");
  GraphReading reading(*model.mutable_graph());
  RETURN_IF_ERROR(reading.ReadInitializers());
  RETURN_IF_ERROR(reading.ReadEnds());
  RETURN_IF_ERROR(reading.ReadNodes());
  ModelGraph graph = std::move(reading).Take();
  graph.opset = opset;
  RETURN_IF_ERROR(SortNodes(graph));
  return graph;
}

}  // namespace gradus::onnx
