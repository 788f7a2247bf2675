#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morph/onnx/model.h"

namespace morph::onnx {

/// What one name stands for while a file is read: a constant, a node of our graph, or a list of
/// values (ONNX's sequences).
struct Value {
  std::optional<Array> constant = {};
  std::string tensor = {};  ///< The initializer that the constant is, unchanged; "" if computed.
  /// What the constant is for kOtherBatch, if it depends on the size of the batch.
  std::optional<Array> at_other_batch = {};
  NodeId node{};  ///< Of a live value: the node that makes it.
  DataType type = DataType::kFloat;
  std::vector<Value> parts = {};  ///< Of a sequence.
  bool is_sequence = false;
  bool is_sealed = false;  ///< Live, but no float32 of known sizes with the batch in front: only
                           ///< Opaque nodes can read it.

  bool is_live() const { return !constant && !is_sequence; }
};

/// One ONNX node with what it reads. Reads arguments wherever the opset at hand keeps them: in an
/// attribute or in an input.
class OpCall {
 public:
  OpCall(const NodeProto& node, int64_t opset, std::vector<const Value*> inputs)
      : node_(node), opset_(opset), inputs_(std::move(inputs)) {}

  const NodeProto& node() const { return node_; }
  const std::string& op() const { return node_.op_type; }
  int64_t opset() const { return opset_; }
  size_t output_count() const { return node_.outputs.size(); }

  /// "[conv1: Conv]", for messages.
  std::string label() const;

  size_t input_count() const { return inputs_.size(); }
  bool has_input(size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  /// Throws Error if the node lacks it.
  const Value& input(size_t i) const;
  bool has_attribute(std::string_view name) const { return node_.find(name) != nullptr; }

  /// The constant that input i is. Throws Error if it is computed from the network's inputs.
  const Array& constant(size_t i) const;

  /// An attribute; throws Error if it is there with another type.
  int64_t integer(std::string_view name, int64_t fallback) const;
  double number(std::string_view name, double fallback) const;
  std::string text(std::string_view name, const std::string& fallback) const;
  std::optional<std::vector<int64_t>> ints(std::string_view name) const;
  std::optional<std::vector<double>> numbers(std::string_view name) const;

  /// What older opsets keep in attribute `name` and newer ones in input `i`, if it is given.
  std::optional<std::vector<int64_t>> ints_at(std::string_view name, size_t i) const;
  std::optional<double> number_at(std::string_view name, size_t i) const;

  /// Throws Error: "[conv1: Conv] …".
  [[noreturn]] void fail(const std::string& what) const;

 private:
  const AttributeProto* typed(std::string_view name, AttributeProto::Type type) const;

  const NodeProto& node_;
  int64_t opset_;
  std::vector<const Value*> inputs_;
};

/// The double that is written with the same digits as the float: 1e-5, not 9.99999974738e-06.
double with_same_digits(float value);

/// `axis` counted from the front. Throws Error if it lies outside of a value of this rank.
size_t front_axis(const OpCall& call, int64_t axis, size_t rank);

/// The positions that a Slice takes, by axis of its input; the other axes are whole.
struct SlicedAxis {
  size_t axis = 0;
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};
std::vector<SlicedAxis> sliced_axes(const OpCall& call, const Shape& shape);

/// The extents of the parts that a Split or SplitToSequence makes of an axis.
std::vector<int64_t> split_sizes(const OpCall& call, int64_t extent);

/// The shape that a Reshape gives, its -1 and 0 resolved.
Shape reshaped(const OpCall& call, const Shape& from, const std::vector<int64_t>& target);

/// The shapes that Squeeze and Unsqueeze give.
Shape squeezed(const OpCall& call, const Shape& shape);
Shape unsqueezed(const OpCall& call, const Shape& shape);

/// The sizes that a Shape gives: from 'start' to 'end', of all axes by default.
std::vector<int64_t> shape_part(const OpCall& call, const Shape& shape);

/// ONNX's broadcasting of two shapes, aligned at the last axis.
Shape broadcast(const OpCall& call, const Shape& a, const Shape& b);

}  // namespace morph::onnx
