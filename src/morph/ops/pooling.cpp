#include "morph/ops/pooling.h"

#include <limits>

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {

Window pool_window(const Node& node, const Shape& input) {
  const std::vector<int64_t> kernel = node.ints("kernel_shape", {});
  if (kernel.empty()) throw Error(cat(node.label(), " needs the attribute 'kernel_shape'"));
  for (const int64_t size : kernel) {
    if (size < 1 || size > std::numeric_limits<int32_t>::max()) {
      throw Error(cat(node.label(), " attribute 'kernel_shape' must be at least 1, got ", size));
    }
  }
  return sliding_window(node, input, kernel);
}

Shape pooled_shape(const Node& node, std::span<const Shape> inputs) {
  check_rank(node, inputs[0], 3, 5);
  const Window window = pool_window(node, inputs[0]);
  for (size_t i = 0; i < window.kernel.size(); ++i) {
    const int64_t reach = (window.kernel[i] - 1) * window.dilations[i] + 1;
    if (window.pads_begin[i] >= reach || window.pads_end[i] >= reach) {
      throw Error(
          cat(node.label(), " pads must be smaller than the window, so that none is empty"));
    }
  }
  Shape shape = {inputs[0][0], inputs[0][1]};
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  return shape;
}

Shape global_pool_shape(const Node& node, std::span<const Shape> inputs) {
  check_rank(node, inputs[0], 3, 5);
  Shape shape(inputs[0].size(), 1);
  shape[1] = inputs[0][1];
  return shape;
}

Channels pooled_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  bool varies_in_space = false;
  for (size_t axis = 2; axis < shape.size(); ++axis) {
    varies_in_space = varies_in_space || channels.varies_along(axis);
  }
  if (!varies_in_space) return channels;
  flow.pin(channels.ids, cat("pooled over in '", node.name, "'"));
  return Channels::along(shape.size(), 1, flow.along_axis(channels, shape, 1));
}

}  // namespace morph
