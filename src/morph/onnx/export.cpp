#include "morph/onnx/export.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <set>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/onnx/opaque_proto.h"
#include "morph/ops/op_def.h"
#include "morph/ops/opaque.h"
#include "morph/ops/recurrent.h"

namespace morph::onnx {
namespace {

using Ints = std::vector<int64_t>;

constexpr int64_t kOldestOpset = 13;
constexpr int64_t kUsualOpset = 17;
constexpr int64_t kNewestOpset = 25;

struct SinceRow {
  std::string_view op;
  int64_t opset;
};

/// Ops that opset 13 does not have, or not in our form.
constexpr std::array kSince = {
    SinceRow{"Gelu", 20},
    SinceRow{"GroupNormalization", 21},
    SinceRow{"HardSwish", 14},
    SinceRow{"LayerNormalization", 17},
    SinceRow{"Mish", 18},
    SinceRow{"RMSNormalization", 23},
};

/// What a node's attributes demand beyond its op.
int64_t opset_of_attributes(const Node& node) {
  if (node.op != "Resize") return 0;
  if (node.text("coordinate_transformation_mode", "") == "half_pixel_symmetric") return 19;
  const bool is_late = node.attrs.count("axes") + node.attrs.count("antialias") +
                           node.attrs.count("keep_aspect_ratio_policy") >
                       0;
  return is_late ? 18 : 0;
}

/// Before it, x·σ(αx) is written as what it is.
constexpr int64_t kSwishOpset = 24;

/// An attribute of ours that ONNX takes as an input, from an opset on.
struct InputRow {
  std::string_view op;  ///< "" for every op that begins with Reduce.
  std::string_view attribute;
  size_t input;
  int64_t since;
};

constexpr std::array kInputs = {
    InputRow{"Clip", "min", 1, 11},      InputRow{"Clip", "max", 2, 11},
    InputRow{"Dropout", "ratio", 1, 12}, InputRow{"Expand", "shape", 1, 8},
    InputRow{"Gather", "indices", 1, 1}, InputRow{"Pad", "pads", 1, 11},
    InputRow{"Pad", "value", 2, 11},     InputRow{"ReduceSum", "axes", 1, 13},
    InputRow{"", "axes", 1, 18},         InputRow{"Reshape", "shape", 1, 5},
    InputRow{"Resize", "roi", 1, 11},    InputRow{"Resize", "scales", 2, 11},
    InputRow{"Resize", "sizes", 3, 11},  InputRow{"Slice", "starts", 1, 10},
    InputRow{"Slice", "ends", 2, 10},    InputRow{"Slice", "axes", 3, 10},
    InputRow{"Slice", "steps", 4, 10},   InputRow{"Squeeze", "axes", 1, 13},
    InputRow{"Tile", "repeats", 1, 6},   InputRow{"Unsqueeze", "axes", 1, 13},
};

/// Attributes that are lists in ONNX even with one entry.
constexpr std::array<std::string_view, 8> kLists = {"axes",
                                                    "dilations",
                                                    "kernel_shape",
                                                    "output_padding",
                                                    "output_shape",
                                                    "pads",
                                                    "perm",
                                                    "strides"};

const InputRow* find_input(const Node& node, std::string_view attribute, int64_t opset) {
  const InputRow* found = nullptr;
  for (const InputRow& row : kInputs) {
    const bool is_reduction = row.op.empty() && node.op.rfind("Reduce", 0) == 0;
    if (row.attribute != attribute || (row.op != node.op && !is_reduction)) continue;
    if (found == nullptr || row.op == node.op) found = &row;
  }
  return found != nullptr && opset >= found->since ? found : nullptr;
}

/// The opset that an unknown op of ONNX itself was read at. What it means at another is not known.
std::optional<int64_t> opset_of_opaque(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (is_opaque(node) && node.text("domain", "").empty()) return node.integer("opset", 0);
  }
  return std::nullopt;
}

int64_t needed_opset(const Graph& graph, const ExportOptions& options) {
  const std::optional<int64_t> fixed = opset_of_opaque(graph);
  const int64_t stated = options.opset.value_or(fixed.value_or(kUsualOpset));
  if (fixed && *fixed != stated) {
    throw Error(cat("an op that is not known is of opset ",
                    *fixed,
                    " and means something there alone: the network cannot be written at opset ",
                    stated));
  }
  if (stated < kOldestOpset || stated > kNewestOpset) {
    throw Error(cat("opsets ", kOldestOpset, " to ", kNewestOpset, " are written, not ", stated));
  }
  int64_t needed = stated;
  for (const Node& node : graph.nodes()) {
    const auto row = std::ranges::find(kSince, node.op, &SinceRow::op);
    const int64_t since = std::max(row == kSince.end() ? 0 : row->opset, opset_of_attributes(node));
    if (since <= needed) continue;
    if (options.opset) {
      throw Error(cat(node.label(), " opset ", stated, " does not have this; it needs ", since));
    }
    needed = since;
  }
  return needed;
}

/// The oldest version of the format that has an opset.
int64_t ir_version(int64_t opset) { return opset < 15 ? 7 : opset < 19 ? 8 : opset < 21 ? 9 : 10; }

AttributeProto attribute_proto(const std::string& name, const Attr& attr) {
  using Type = AttributeProto::Type;
  AttributeProto result{.name = name};
  const bool is_list = std::ranges::find(kLists, name) != kLists.end();
  if (const auto* ints = std::get_if<Ints>(&attr)) {
    result.ints = *ints;
    result.type = is_list || ints->size() != 1 ? Type::kInts : Type::kInt;
  } else if (const auto* numbers = std::get_if<std::vector<double>>(&attr)) {
    for (const double value : *numbers) result.floats.push_back(static_cast<float>(value));
    result.type = numbers->size() == 1 ? Type::kFloat : Type::kFloats;
  } else {
    result.strings = {std::get<std::string>(attr)};
    result.type = Type::kString;
  }
  return result;
}

/// Writes one graph.
class Exporter {
 public:
  Exporter(const Graph& graph, const std::map<std::string, Array>& weights, int64_t opset)
      : graph_(graph), weights_(weights), opset_(opset), readers_(consumers(graph)) {
    for (const auto& [name, array] : weights) tensors_.insert(name);
    name_values();
  }

  Model run() {
    GraphProto& out = model_.graph;
    out.name = graph_.name();
    for (const NodeId id : graph_.ids()) {
      const Node& node = graph_[id];
      if (node.op == "Input") {
        out.inputs.push_back(declared(node));
      } else if (is_opaque(node)) {
        write_opaque(node);
      } else if (is_constant(node)) {
        initializer(node.params.at("value"));
      } else if (!is_name_only(id)) {
        write(node, id);
      }
    }
    for (const NodeId id : graph_.outputs()) {
      ValueInfoProto value = declared(graph_[id]);
      value.name = values_[index(id)];
      out.outputs.push_back(std::move(value));
    }
    return std::move(model_);
  }

 private:
  static bool is_constant(const Node& node) {
    return node.op == "Constant" || node.op == "Parameter";
  }

  bool is_output(NodeId id) const {
    return std::ranges::find(graph_.outputs(), id) != graph_.outputs().end();
  }

  /// An Identity that only gives its name to what the network returns.
  bool is_name_only(NodeId id) const {
    const Node& node = graph_[id];
    if (node.op != "Identity" || !is_output(id) || !readers_[index(id)].empty()) return false;
    const NodeId source = node.inputs[0];
    if (is_output(source) || graph_[source].op == "Input" || is_constant(graph_[source])) {
      return false;
    }
    // Of several such, the first.
    for (const NodeId reader : readers_[index(source)]) {
      const bool is_other =
          graph_[reader].op == "Identity" && is_output(reader) && readers_[index(reader)].empty();
      if (is_other) return reader == id;
    }
    return false;
  }

  /// Values are named after their nodes, constants after their tensors.
  void name_values() {
    for (const NodeId id : graph_.ids()) {
      const Node& node = graph_[id];
      if (is_constant(node)) {
        values_.push_back(node.params.at("value").tensor);
        continue;
      }
      std::string name = node.name;
      for (int64_t i = 1; is_taken(name); ++i) name = cat(node.name, "_", i);
      made_.insert(name);
      values_.push_back(name);
    }
    for (const NodeId id : graph_.ids()) {
      if (is_name_only(id)) values_[index(graph_[id].inputs[0])] = values_[index(id)];
    }
  }

  /// Whether a weight of the network or what a node makes is called so.
  bool is_taken(const std::string& name) const {
    return tensors_.contains(name) || made_.contains(name);
  }

  ValueInfoProto declared(const Node& node) const {
    if (is_opaque(node) || node.attrs.count("type") != 0) return opaque_value(node);
    ValueInfoProto value{.name = node.name, .type = DataType::kFloat, .has_shape = true};
    for (const int64_t size : node.shape) value.shape.push_back({.value = size});
    value.shape.at(0) = {.value = -1, .name = "batch"};
    return value;
  }

  /// The name of an initializer with the values of a param, written once; as `wish` if it is free.
  std::string initializer(const Param& param) { return initializer(param, param.tensor); }

  std::string initializer(const Param& param, const std::string& wish) {
    const auto it = weights_.find(param.tensor);
    if (it == weights_.end()) throw Error(cat("there is no weight '", param.tensor, "'"));
    if (it->second.shape != param.shape) {
      throw Error(cat("the weight '",
                      param.tensor,
                      "' has shape ",
                      format_shape(it->second.shape),
                      ", the graph says ",
                      format_shape(param.shape)));
    }
    return add_tensor(wish, flushed(it->second));
  }

  std::string add_tensor(const std::string& wish, const Array& array) {
    std::string name = wish;
    for (int64_t i = 1; true; ++i) {
      // What an unknown operator read may be called as a node is.
      for (; made_.contains(name); ++i) name = cat(wish, "_", i);
      const auto [it, is_new] = written_.emplace(name, array);
      if (is_new) {
        model_.graph.initializers.push_back({.name = name, .array = array});
        return name;
      }
      if (it->second == array) return name;
      name = cat(wish, "_", i);
    }
  }

  /// Subnormal numbers slow arithmetic down and mean nothing in a weight.
  Array flushed(const Array& array) {
    if (array.type != DataType::kFloat) return array;
    const auto is_subnormal = [](float value) { return std::fpclassify(value) == FP_SUBNORMAL; };
    std::string copy;
    for (size_t i = 0; i + sizeof(float) <= array.bytes.size(); i += sizeof(float)) {
      float value = 0;
      std::memcpy(&value, array.bytes.data() + i, sizeof(float));
      if (!is_subnormal(value)) continue;
      if (copy.empty()) copy = array.bytes;
      std::memset(copy.data() + i, 0, sizeof(float));
    }
    if (copy.empty()) return array;
    return {
        .type = array.type, .shape = array.shape, .bytes = model_.storage.keep(std::move(copy))};
  }

  /// A list of sizes: that of the batch of a value, and the given ones. `stem` begins the names.
  std::string batch_and(const Node& node, const std::string& stem, NodeId value, const Ints& rest) {
    const auto add = [&](const char* op, std::vector<std::string> inputs, const char* suffix) {
      const std::string name = cat(node.name, ".", stem, suffix);
      model_.graph.nodes.push_back(
          {.name = name, .op_type = op, .inputs = std::move(inputs), .outputs = {name}});
      return name;
    };
    const std::string first = argument(node, "first", Ints{0});
    const std::string second = argument(node, "second", Ints{1});
    const std::string others = argument(node, stem + ".rest", rest);
    const std::string shape = add("Shape", {values_[index(value)]}, ".shape");
    const std::string batch = add("Slice", {shape, first, second}, ".batch");
    const std::string all = add("Concat", {batch, others}, "");
    model_.graph.nodes.back().attributes.push_back(attribute_proto("axis", Ints{0}));
    return all;
  }

  /// What a node reads. A constant is the same for every example; ONNX's Concat wants it spread.
  std::vector<std::string> operands(const Node& node) {
    std::vector<std::string> names;
    for (const NodeId input : node.inputs) names.push_back(values_[index(input)]);
    if (node.op != "Concat") return names;
    const auto live = std::ranges::find_if(
        node.inputs, [&](NodeId input) { return !is_constant(graph_[input]); });
    for (size_t i = 0; i < names.size() && live != node.inputs.end(); ++i) {
      if (!is_constant(graph_[node.inputs[i]])) continue;
      const std::string stem = cat("operand", i);
      const std::string target = batch_and(node, stem, *live, Ints(node.shape.size() - 1, 1));
      const std::string spread = cat(node.name, ".", stem, ".spread");
      model_.graph.nodes.push_back(
          {.name = spread, .op_type = "Expand", .inputs = {names[i], target}, .outputs = {spread}});
      names[i] = spread;
    }
    return names;
  }

  /// An argument of ours as an input of ONNX's.
  std::string argument(const Node& node, const std::string& name, const Attr& attr) {
    Array array;
    if (const auto* ints = std::get_if<Ints>(&attr)) {
      array.type = DataType::kInt64;
      array.bytes = model_.storage.keep(to_bytes(std::span<const int64_t>(*ints), array.type));
      array.shape = {static_cast<int64_t>(ints->size())};
      if (name == "indices") array.shape = node.ints("indices_shape", array.shape);
    } else {
      const auto& numbers = std::get<std::vector<double>>(attr);
      array.bytes = model_.storage.keep(to_bytes(std::span<const double>(numbers), array.type));
      array.shape = {static_cast<int64_t>(numbers.size())};
      if (name != "scales" && name != "roi") array.shape.clear();
    }
    std::string wish = cat(node.name, ".", name);
    while (tensors_.count(wish) != 0) wish += "_argument";
    return add_tensor(wish, array);
  }

  static void place(std::vector<std::string>& inputs, size_t i, std::string name) {
    if (inputs.size() <= i) inputs.resize(i + 1);
    inputs[i] = std::move(name);
  }

  void write(const Node& node, NodeId id) {
    if (node.op == "Gemm" && node.shape.size() != 2) return write_dense(node, id);
    if (node.op == "GRU" || node.op == "LSTM" || node.op == "RNN") return write_recurrent(node, id);
    if (node.op == "Swish" && opset_ < kSwishOpset) return write_swish(node, id);
    NodeProto proto{.name = node.name, .op_type = node.op, .outputs = {values_[index(id)]}};
    proto.inputs = operands(node);
    // Ours takes any number of operands.
    if (node.op == "Add" && node.inputs.size() > 2) proto.op_type = "Sum";
    size_t next = proto.inputs.size();
    for (const Slot& slot : op_def(node.op).slots) {
      const auto param = node.params.find(std::string(slot.name));
      if (param != node.params.end()) {
        place(proto.inputs, next, initializer(param->second));
      }
      ++next;
    }
    std::map<std::string, Attr> attrs = node.attrs;
    attrs.erase("indices_shape");
    complete(node, attrs);
    for (const auto& [name, attr] : attrs) {
      const InputRow* row = find_input(node, name, opset_);
      if (row != nullptr && name == "sizes" && node.attrs.count("axes") == 0) {
        const Ints& sizes = std::get<Ints>(attr);
        const std::string all =
            batch_and(node, "sizes", node.inputs[0], Ints(sizes.begin() + 1, sizes.end()));
        place(proto.inputs, row->input, all);
      } else if (row != nullptr) {
        place(proto.inputs, row->input, argument(node, name, attr));
      } else {
        proto.attributes.push_back(attribute_proto(name, attr));
      }
    }
    model_.graph.nodes.push_back(std::move(proto));
  }

  void write_transpose(const std::string& name,
                       const std::string& from,
                       const std::string& to,
                       const Ints& perm) {
    model_.graph.nodes.push_back({.name = name,
                                  .op_type = "Transpose",
                                  .inputs = {from},
                                  .outputs = {to},
                                  .attributes = {attribute_proto("perm", perm)}});
  }

  /// A name beside a node's that no node has.
  std::string name_beside(const Node& node, const char* suffix) const {
    std::string name = node.name + suffix;
    while (graph_.find(name)) name += suffix;
    return name;
  }

  /// ONNX has the steps in front and the batch behind them.
  void write_recurrent(const Node& node, NodeId id) {
    const std::string steps = name_beside(node, ".steps");
    const std::string states = name_beside(node, ".states");
    write_transpose(steps, values_[index(node.inputs[0])], steps, {1, 0, 2});
    NodeProto proto{.name = node.name, .op_type = node.op, .inputs = {steps}, .outputs = {states}};
    for (const char* slot : {"weight", "recurrence", "bias"}) {
      if (node.has_param(slot)) proto.inputs.push_back(initializer(node.params.at(slot)));
    }
    const Recurrence size = recurrence(node);
    proto.attributes.push_back(attribute_proto("direction", node.text("direction", "forward")));
    proto.attributes.push_back(attribute_proto("hidden_size", Ints{size.hidden}));
    if (node.op == "GRU") {
      proto.attributes.push_back(attribute_proto("linear_before_reset", Ints{1}));
    }
    if (const std::string name = node.text("activations", ""); !name.empty()) {
      proto.attributes.push_back(
          {.name = "activations",
           .type = AttributeProto::Type::kStrings,
           .strings = std::vector<std::string>(static_cast<size_t>(size.directions), name)});
    }
    model_.graph.nodes.push_back(std::move(proto));
    write_transpose(name_beside(node, ".batch_first"), states, values_[index(id)], {2, 0, 1, 3});
  }

  /// The operator as it was read, at the first of its outputs.
  void write_opaque(const Node& node) {
    const std::string call = node.text("call", "");
    if (!written_calls_.insert(call).second) return;
    OpaqueProto proto = opaque_proto(node, model_.storage);
    const std::string stem = proto.node.name.empty() ? node.name : proto.node.name;
    proto.node.domain = node.text("domain", "");
    for (size_t i = 0; i < proto.node.outputs.size(); ++i) {
      if (proto.node.outputs[i].empty()) continue;
      proto.node.outputs[i] = cat(stem, ".output", i);
      while (is_taken(proto.node.outputs[i])) proto.node.outputs[i] += "_unused";
    }
    for (const NodeId id : graph_.ids()) {
      const Node& part = graph_[id];
      if (!is_opaque(part) || part.text("call", "") != call) continue;
      const auto output = static_cast<size_t>(part.integer("output", 0));
      if (output >= proto.node.outputs.size()) throw Error(cat(part.label(), " no such output"));
      proto.node.outputs[output] = values_[index(id)];
      ValueInfoProto value = declared(part);
      value.name = values_[index(id)];
      if (!is_output(id)) model_.graph.values.push_back(std::move(value));
    }
    for (std::string& input : proto.node.inputs) {
      if (!input.empty()) input = opaque_input(node, proto, input);
    }
    const std::string& domain = proto.node.domain;
    const int64_t version = node.integer("opset", 1);
    const auto [it, is_new] = model_.opsets.emplace(domain, version);
    if (!is_new && it->second != version) {
      throw Error(cat(node.label(), " two versions of the domain '", domain, "' meet"));
    }
    model_.graph.nodes.push_back(std::move(proto.node));
  }

  /// What an input of an unknown operator is called in the file; see OpaqueProto.
  std::string opaque_input(const Node& node, const OpaqueProto& proto, const std::string& input) {
    const size_t colon = input.find(':');
    const std::string kind = input.substr(0, colon);
    const std::string what = colon == std::string::npos ? "" : input.substr(colon + 1);
    if (kind == "live") {
      const auto place = static_cast<size_t>(parse_int(what, "a place"));
      if (place < node.inputs.size()) return values_[index(node.inputs[place])];
    } else if (kind == "param") {
      const size_t end = what.find(':');
      const auto it = node.params.find(what.substr(0, end));
      if (it != node.params.end() && end != std::string::npos) {
        return initializer(it->second, what.substr(end + 1));
      }
    }
    const auto constant = std::ranges::find(proto.constants, what, &TensorProto::name);
    if (kind != "constant" || constant == proto.constants.end()) {
      throw Error(cat(node.label(), " its attribute 'proto' reads '", input, "'"));
    }
    return add_tensor(what, constant->array);
  }

  /// States what ONNX demands and we leave out.
  void complete(const Node& node, std::map<std::string, Attr>& attrs) const {
    if (node.op == "Conv" || node.op == "ConvTranspose") {
      const Shape& weight = node.params.at("weight").shape;
      attrs["kernel_shape"] = Ints(weight.begin() + 2, weight.end());
    }
    if (node.op == "Gemm") attrs["transB"] = Ints{1};
    if (node.op == "Slice" && attrs.count("axes") == 0 && attrs.count("steps") != 0) {
      Ints axes(node.ints("starts", {}).size());
      std::iota(axes.begin(), axes.end(), 0);
      attrs["axes"] = axes;
    }
    // A batch of one in a target would be that of every batch.
    if (node.op == "Reshape" && node.ints("shape", {}).at(0) == 1) {
      Ints shape = node.ints("shape", {});
      shape[0] = 0;
      attrs["shape"] = shape;
    }
  }

  void write_swish(const Node& node, NodeId id) {
    const std::string x = values_[index(node.inputs[0])];
    std::string argument_of = x;
    const double alpha = node.number("alpha", 1);
    if (alpha != 1) {
      const std::string factor = argument(node, "alpha", std::vector<double>{alpha});
      argument_of = node.name + ".scaled";
      model_.graph.nodes.push_back(
          {.name = argument_of, .op_type = "Mul", .inputs = {x, factor}, .outputs = {argument_of}});
    }
    const std::string gate = node.name + ".gate";
    model_.graph.nodes.push_back(
        {.name = gate, .op_type = "Sigmoid", .inputs = {argument_of}, .outputs = {gate}});
    model_.graph.nodes.push_back({.name = node.name,
                                  .op_type = "Mul",
                                  .inputs = {x, gate},
                                  .outputs = {values_[index(id)]}});
  }

  /// A dense layer on more than two axes: MatMul with [I, O], and Add.
  void write_dense(const Node& node, NodeId id) {
    const Param& weight = node.params.at("weight");
    const std::vector<double> values = to_doubles(weights_.at(weight.tensor));
    const auto outputs = static_cast<size_t>(weight.shape[0]);
    const auto inputs = static_cast<size_t>(weight.shape[1]);
    std::vector<double> transposed(values.size());
    for (size_t i = 0; i < values.size(); ++i)
      transposed[i % inputs * outputs + i / inputs] = values[i];
    Array array{.type = DataType::kFloat, .shape = {weight.shape[1], weight.shape[0]}};
    array.bytes =
        model_.storage.keep(to_bytes(std::span<const double>(transposed), DataType::kFloat));
    const bool has_bias = node.has_param("bias");
    const std::string product = has_bias ? node.name + ".product" : values_[index(id)];
    model_.graph.nodes.push_back(
        {.name = product,
         .op_type = "MatMul",
         .inputs = {values_[index(node.inputs[0])], add_tensor(weight.tensor, array)},
         .outputs = {product}});
    if (!has_bias) return;
    const Param& bias = node.params.at("bias");
    model_.graph.nodes.push_back({.name = node.name,
                                  .op_type = "Add",
                                  .inputs = {product, initializer(bias)},
                                  .outputs = {values_[index(id)]}});
  }

  const Graph& graph_;
  const std::map<std::string, Array>& weights_;
  int64_t opset_;
  std::vector<std::vector<NodeId>> readers_;
  std::set<std::string> tensors_;  // Names of the weights.
  std::set<std::string> made_;     // Names of what nodes make.
  std::map<std::string, Array> written_;
  std::set<std::string> written_calls_;  // Of unknown operators.
  std::vector<std::string> values_;      // By node.
  Model model_;
};

}  // namespace

Model export_model(const Graph& graph,
                   const std::map<std::string, Array>& weights,
                   const ExportOptions& options) {
  const int64_t opset = needed_opset(graph, options);
  Model model = Exporter(graph, weights, opset).run();
  model.ir_version = ir_version(opset);
  model.opsets[""] = opset;
  model.producer_name = "morphnet";
  model.metadata = options.metadata;
  return model;
}

}  // namespace morph::onnx
