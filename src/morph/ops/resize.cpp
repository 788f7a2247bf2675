#include "morph/base/error.h"
#include "morph/ops/interpolation.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 12> kAttributes = {"antialias",
                                                          "axes",
                                                          "coordinate_transformation_mode",
                                                          "cubic_coeff_a",
                                                          "exclude_outside",
                                                          "extrapolation_value",
                                                          "keep_aspect_ratio_policy",
                                                          "mode",
                                                          "nearest_mode",
                                                          "roi",
                                                          "scales",
                                                          "sizes"};

Shape resize_shape(const Node& node, std::span<const Shape> inputs) {
  Shape shape = inputs[0];
  for (const ResizedAxis& axis : resized_axes(node, shape)) shape[axis.axis] = axis.output;
  node.number("cubic_coeff_a", -0.75);
  node.number("extrapolation_value", 0);
  return shape;
}

Channels resize_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  for (const ResizedAxis& axis : resized_axes(node, shape)) {
    if (!channels.varies_along(axis.axis)) continue;
    flow.pin(channels.ids, cat("interpolated between channels in '", node.name, "'"));
    const std::vector<ChannelId> made = flow.fresh(1);
    flow.pin(made, cat("interpolated between channels in '", node.name, "'"));
    return Channels::uniform(shape.size(), made[0]);
  }
  return channels;
}

/// 'sizes' may name axes that keep their size, the channels' among them.
void resize_resize(Node& node, const Resize& change) {
  if (node.attrs.count("sizes") == 0) return;
  std::vector<int64_t> sizes = node.ints("sizes", {});
  const auto rank = static_cast<int64_t>(change.new_output.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    int64_t axis = static_cast<int64_t>(i);
    if (node.attrs.count("axes") != 0) axis = node.ints("axes", {})[i];
    sizes[i] = change.new_output[static_cast<size_t>(axis < 0 ? axis + rank : axis)];
  }
  node.attrs["sizes"] = sizes;
}

}  // namespace

constinit const OpDef kResize{
    .name = "Resize",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = resize_shape,
    .channels = resize_channels,
    .work = uncounted_work,
    .resize = resize_resize,
};

}  // namespace morph
