#include <algorithm>

#include "morph/base/error.h"
#include "morph/ops/rules.h"
#include "morph/ops/widening.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"shape"};

/// Broadcast to 'shape', whose 1 keeps what the input has. Both are aligned from the last axis.
Shape expand_shape(const Node& node, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  const Shape target = node.ints("shape", {});
  bool fits = !target.empty() && target.size() <= shape.size();
  for (size_t i = 0; fits && i < target.size(); ++i) {
    const size_t axis = i + shape.size() - target.size();
    fits = target[i] >= 1 && (target[i] == 1 || shape[axis] == 1 || shape[axis] == target[i]);
    shape[axis] = std::max(shape[axis], target[i]);
  }
  if (!fits) {
    throw Error(cat(node.label(),
                    " cannot expand an input of shape ",
                    format_shape(inputs[0]),
                    " to 'shape' = ",
                    format_shape(target)));
  }
  if (shape[0] != inputs[0][0]) {
    throw Error(cat(node.label(), " cannot expand axis 0, the batch; begin 'shape' with 1"));
  }
  return shape;
}

Channels expand_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow) {
  return widened_channels(inputs[0], node.shape, flow);
}

void expand_resize(Node& node, const Resize& change) {
  Shape target = node.ints("shape", {});
  const size_t rank = change.new_output.size();
  for (size_t i = 0; i < target.size(); ++i) {
    if (target[i] != 1) target[i] = change.new_output[i + rank - target.size()];
  }
  node.attrs["shape"] = target;
}

}  // namespace

constinit const OpDef kExpand{
    .name = "Expand",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = expand_shape,
    .channels = expand_channels,
    .work = uncounted_work,
    .resize = expand_resize,
};

}  // namespace morph
