#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "morph/base/random.h"
#include "morph/onnx/model.h"

namespace morph::onnx {

using Ints = std::vector<int64_t>;

inline AttributeProto int_attr(std::string name, int64_t value) {
  return {.name = std::move(name), .type = AttributeProto::Type::kInt, .ints = {value}};
}
inline AttributeProto ints_attr(std::string name, Ints values) {
  return {.name = std::move(name), .type = AttributeProto::Type::kInts, .ints = std::move(values)};
}
inline AttributeProto float_attr(std::string name, float value) {
  return {.name = std::move(name), .type = AttributeProto::Type::kFloat, .floats = {value}};
}
inline AttributeProto text_attr(std::string name, std::string value) {
  return {.name = std::move(name),
          .type = AttributeProto::Type::kString,
          .strings = {std::move(value)}};
}

/// Puts models together for tests.
class ModelBuilder {
 public:
  explicit ModelBuilder(int64_t opset = 17) {
    model_.ir_version = 8;
    model_.opsets[""] = opset;
    model_.graph.name = "test";
  }

  ModelBuilder& input(const std::string& name, const Shape& shape) {
    model_.graph.inputs.push_back(value_info(name, shape));
    return *this;
  }

  ModelBuilder& output(const std::string& name) {
    model_.graph.outputs.push_back({.name = name, .type = DataType::kFloat});
    return *this;
  }

  Array array(const Shape& shape, const std::vector<double>& values) {
    return {
        .type = DataType::kFloat,
        .shape = shape,
        .bytes = model_.storage.keep(to_bytes(std::span<const double>(values), DataType::kFloat))};
  }

  /// Random numbers that differ from tensor to tensor.
  ModelBuilder& weight(const std::string& name, const Shape& shape) {
    std::vector<double> values(static_cast<size_t>(count_elements(shape)));
    for (double& value : values) value = random_.uniform() - 0.5;
    model_.graph.initializers.push_back({.name = name, .array = array(shape, values)});
    return *this;
  }

  ModelBuilder& weight(const std::string& name, const Shape& shape, double value) {
    const std::vector<double> values(static_cast<size_t>(count_elements(shape)), value);
    model_.graph.initializers.push_back({.name = name, .array = array(shape, values)});
    return *this;
  }

  Array ints_array(const Shape& shape, const Ints& values) {
    return {
        .type = DataType::kInt64,
        .shape = shape,
        .bytes = model_.storage.keep(to_bytes(std::span<const int64_t>(values), DataType::kInt64))};
  }

  ModelBuilder& ints(const std::string& name, const Ints& values) {
    const Shape shape = {static_cast<int64_t>(values.size())};
    model_.graph.initializers.push_back({.name = name, .array = ints_array(shape, values)});
    return *this;
  }

  ModelBuilder& scalar(const std::string& name, int64_t value) {
    model_.graph.initializers.push_back({.name = name, .array = ints_array({}, {value})});
    return *this;
  }

  /// A node named `output`_node that makes `output`; several outputs are separated by blanks, as
  /// are inputs; "-" leaves one out.
  ModelBuilder& node(const std::string& op,
                     const std::string& inputs,
                     const std::string& outputs,
                     std::vector<AttributeProto> attributes = {}) {
    NodeProto proto{.op_type = op, .inputs = words(inputs), .outputs = words(outputs)};
    proto.name = proto.outputs.at(0) + "_node";
    proto.attributes = std::move(attributes);
    model_.graph.nodes.push_back(std::move(proto));
    return *this;
  }

  Model& model() { return model_; }
  Model build() { return std::move(model_); }

  static ValueInfoProto value_info(const std::string& name, const Shape& shape) {
    ValueInfoProto value{.name = name, .type = DataType::kFloat, .has_shape = true};
    for (const int64_t size : shape) value.shape.push_back({.value = size});
    return value;
  }

  static std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> result;
    std::string word;
    for (const char letter : text + " ") {
      if (letter != ' ') {
        word += letter;
      } else if (!word.empty()) {
        result.push_back(word == "-" ? "" : word);
        word.clear();
      }
    }
    return result;
  }

 private:
  Model model_;
  Random random_{20260901};
};

}  // namespace morph::onnx
