#include <algorithm>
#include <limits>

#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"shape"};

/// The target with each 0 replaced by the input's extent; a -1 stays.
Shape with_copied_extents(const Node& node, const Shape& input) {
  Shape target = node.ints("shape", {});
  if (target.empty()) throw Error(cat(node.label(), " needs the attribute 'shape'"));
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] < -1 || target[i] > std::numeric_limits<int32_t>::max()) {
      throw Error(cat(node.label(), " attribute 'shape' must not hold ", target[i]));
    }
    if (target[i] != 0) continue;
    if (i >= input.size()) {
      throw Error(cat(
          node.label(), " entry ", i, " of 'shape' is 0 but the input has rank ", input.size()));
    }
    target[i] = input[i];
  }
  return target;
}

/// `target` with its -1 replaced so that the element counts agree, or nothing fitting: unchanged.
Shape with_inferred_extent(const Node& node, Shape target, const Shape& input) {
  const auto open = std::find(target.begin(), target.end(), -1);
  if (open == target.end()) return target;
  if (std::find(open + 1, target.end(), -1) != target.end()) {
    throw Error(cat(node.label(), " only one entry of 'shape' may be -1"));
  }
  *open = 1;
  *open = element_count(input) / element_count(target);
  return target;
}

/// What a target means for an input. A leading 1 stands for the batch, as 0 and -1 do.
Shape reshape_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& input = inputs[0];
  Shape shape = with_inferred_extent(node, with_copied_extents(node, input), input);
  if (element_count(shape) != element_count(input)) {
    throw Error(cat(node.label(),
                    " an input of shape ",
                    format_shape(input),
                    " cannot be read as ",
                    format_shape(node.ints("shape", {}))));
  }
  if (shape[0] != input[0]) {
    throw Error(cat(node.label(),
                    " 'shape' = ",
                    format_shape(node.ints("shape", {})),
                    " would mix the examples of a batch; its first entry must be 0"));
  }
  return shape;
}

Channels reshape_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow&) {
  return reinterpreted(inputs[0].channels, inputs[0].shape, node.shape);
}

/// Entries that still mean the right extent stay; the others become the new extent.
void reshape_resize(Node& node, const Resize& change) {
  Shape target = node.ints("shape", {});
  for (size_t i = 0; i < target.size(); ++i) {
    const bool copies = target[i] == 0 && change.new_inputs[0][i] == change.new_output[i];
    if (target[i] != -1 && i != 0 && !copies) target[i] = change.new_output[i];
  }
  node.attrs["shape"] = target;
}

}  // namespace

constinit const OpDef kReshape{
    .name = "Reshape",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = reshape_shape,
    .channels = reshape_channels,
    .work = view_work,
    .resize = reshape_resize,
};

}  // namespace morph
