#include <string>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/residual_units.h"

namespace morph::zoo {
namespace {

/// One residual unit.
struct Unit {
  std::string name = {};
  int64_t width = 0;  ///< The article's, before the width multiplier: 64, 128, 256, 512.
  int64_t stride = 1;
  bool projects = false;  ///< The shortcut is a convolution.
};

NodeId shortcut(Builder& net, const Unit& unit, NodeId x, int64_t out) {
  if (unit.projects) {
    const ConvSpec projection = {.out = out, .kernel = {1, 1}, .stride = unit.stride};
    return net.batch_norm(unit.name + ".downsample.1",
                          net.conv(unit.name + ".downsample.0", x, projection));
  }
  if (unit.stride == 1) return x;
  return net.max_pool(unit.name + ".subsample", x, {.kernel = 1, .stride = unit.stride});
}

NodeId basic_unit(Builder& net, const Unit& unit, NodeId x) {
  const std::string& name = unit.name;
  const int64_t out = net.width(unit.width);
  NodeId y = net.conv(name + ".conv1", x, {.out = out, .stride = unit.stride});
  y = net.relu(name + ".relu1", net.batch_norm(name + ".bn1", y));
  y = net.batch_norm(name + ".bn2", net.conv(name + ".conv2", y, {.out = out}));
  return net.relu(name + ".relu2", net.add(name + ".add", y, shortcut(net, unit, x, out)));
}

NodeId bottleneck(Builder& net, const ResnetSpec& spec, const Unit& unit, NodeId x) {
  const std::string& name = unit.name;
  const bool strides_early = net.options().chosen("stride") == "1x1";
  const int64_t inner = spec.groups * net.width(unit.width * spec.group_width / 64);
  const int64_t out = net.width(4 * unit.width);
  NodeId y = net.conv(name + ".conv1",
                      x,
                      {.out = inner, .kernel = {1, 1}, .stride = strides_early ? unit.stride : 1});
  y = net.relu(name + ".relu1", net.batch_norm(name + ".bn1", y));
  y = net.conv(name + ".conv2",
               y,
               {.out = inner, .stride = strides_early ? 1 : unit.stride, .groups = spec.groups});
  y = net.relu(name + ".relu2", net.batch_norm(name + ".bn2", y));
  y = net.conv(name + ".conv3", y, {.out = out, .kernel = {1, 1}});
  y = net.batch_norm(name + ".bn3", y);
  return net.relu(name + ".relu3", net.add(name + ".add", y, shortcut(net, unit, x, out)));
}

NodeId stem(Builder& net, const ResnetSpec& spec) {
  const int64_t side = net.is_small() ? 3 : 7;
  const int64_t stride = spec.stem_halves ? net.halve() : 1;
  NodeId x = net.conv(
      "conv1", net.input(), {.out = net.width(64), .kernel = {side, side}, .stride = stride});
  x = net.relu("relu", net.batch_norm("bn1", x));
  if (net.halve() == 1) return x;
  return net.max_pool("maxpool", x, {.kernel = 3, .stride = 2, .padding = 1});
}

}  // namespace

Graph build_resnet(const ResnetSpec& spec, const Options& options) {
  Builder net(spec.name, options);
  net.require_image(8);
  NodeId x = stem(net, spec);
  for (size_t stage = 0; stage < spec.units.size(); ++stage) {
    for (int64_t i = 0; i < spec.units[stage]; ++i) {
      const Unit unit = {.name = cat("layer", stage + 1, ".", i),
                         .width = int64_t{64} << stage,
                         .stride = unit_stride(spec, options, stage, i),
                         .projects = unit_projects(spec, stage, i)};
      x = spec.is_bottleneck ? bottleneck(net, spec, unit, x) : basic_unit(net, unit, x);
    }
  }
  return net.classify(x);
}

}  // namespace morph::zoo
