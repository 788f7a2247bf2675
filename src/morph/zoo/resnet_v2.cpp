#include <string>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/residual_units.h"

namespace morph::zoo {
namespace {

/// One unit: normalization and ReLU come before each convolution.
struct Unit {
  std::string name = {};
  int64_t width = 0;  ///< The article's, before the width multiplier: 64, 128, 256, 512.
  int64_t stride = 1;
  bool projects = false;  ///< The shortcut is a convolution.
  bool is_bottleneck = false;
};

NodeId shortcut(Builder& net, const Unit& unit, NodeId x, NodeId activated) {
  if (unit.projects) {
    const ConvSpec projection = {.out = net.width((unit.is_bottleneck ? 4 : 1) * unit.width),
                                 .kernel = {1, 1},
                                 .stride = unit.stride,
                                 .bias = true};
    return net.conv(unit.name + ".downsample", activated, projection);
  }
  if (unit.stride == 1) return x;
  return net.max_pool(unit.name + ".subsample", x, {.kernel = 1, .stride = unit.stride});
}

NodeId activated(Builder& net, const std::string& name, int64_t i, NodeId x) {
  return net.relu(cat(name, ".relu", i), net.batch_norm(cat(name, ".bn", i), x));
}

NodeId basic_branch(Builder& net, const Unit& unit, NodeId x) {
  const int64_t out = net.width(unit.width);
  x = net.conv(unit.name + ".conv1", x, {.out = out, .stride = unit.stride});
  return net.conv(
      unit.name + ".conv2", activated(net, unit.name, 2, x), {.out = out, .bias = true});
}

NodeId bottleneck_branch(Builder& net, const Unit& unit, NodeId x) {
  const int64_t inner = net.width(unit.width);
  x = net.conv(unit.name + ".conv1", x, {.out = inner, .kernel = {1, 1}});
  x = net.conv(
      unit.name + ".conv2", activated(net, unit.name, 2, x), {.out = inner, .stride = unit.stride});
  const ConvSpec last = {.out = net.width(4 * unit.width), .kernel = {1, 1}, .bias = true};
  return net.conv(unit.name + ".conv3", activated(net, unit.name, 3, x), last);
}

NodeId append_unit(Builder& net, const Unit& unit, NodeId x) {
  const NodeId first = activated(net, unit.name, 1, x);
  const NodeId branch =
      unit.is_bottleneck ? bottleneck_branch(net, unit, first) : basic_branch(net, unit, first);
  return net.add(unit.name + ".add", branch, shortcut(net, unit, x, first));
}

NodeId stem(Builder& net) {
  const int64_t side = net.is_small() ? 3 : 7;
  const ConvSpec spec = {
      .out = net.width(64), .kernel = {side, side}, .stride = net.halve(), .bias = true};
  const NodeId x = net.conv("conv1", net.input(), spec);
  if (net.halve() == 1) return x;
  return net.max_pool("maxpool", x, {.kernel = 3, .stride = 2, .padding = 1});
}

}  // namespace

Graph build_resnet_v2(const ResnetSpec& spec, const Options& options) {
  Builder net(spec.name, options);
  net.require_image(8);
  NodeId x = stem(net);
  for (size_t stage = 0; stage < spec.units.size(); ++stage) {
    for (int64_t i = 0; i < spec.units[stage]; ++i) {
      x = append_unit(net,
                      {.name = cat("layer", stage + 1, ".", i),
                       .width = int64_t{64} << stage,
                       .stride = unit_stride(spec, options, stage, i),
                       .projects = unit_projects(spec, stage, i),
                       .is_bottleneck = spec.is_bottleneck},
                      x);
    }
  }
  return net.classify(net.relu("relu", net.batch_norm("bn", x)));
}

}  // namespace morph::zoo
