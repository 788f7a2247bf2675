#include "morph/zoo/inverted_residual.h"

#include "morph/base/error.h"

namespace morph::zoo {
namespace {

/// PyTorch's hard sigmoid, clip(x / 6 + 1 / 2).
NodeId hard_sigmoid(Builder& net, const std::string& name, NodeId x) {
  return net.append({.name = name,
                     .op = "HardSigmoid",
                     .inputs = {x},
                     .attrs = {{"alpha", std::vector<double>{1.0 / 6}}}});
}

NodeId squeeze_excite(Builder& net, const std::string& name, NodeId x, const SqueezeExcite& spec) {
  const ConvSpec narrow = {.out = spec.width, .kernel = {1, 1}, .bias = true};
  const ConvSpec wide = {.out = net.channels(x), .kernel = {1, 1}, .bias = true};
  NodeId gate = net.global_average_pool(name + ".avgpool", x);
  gate = net.conv(name + ".fc1", gate, narrow);
  gate = net.activate(name + ".activation", gate, spec.activation);
  gate = net.conv(name + ".fc2", gate, wide);
  const std::string scale = name + ".scale_activation";
  gate = spec.is_hard ? hard_sigmoid(net, scale, gate) : net.sigmoid(scale, gate);
  return net.multiply(name + ".mul", x, gate);
}

}  // namespace

NodeId inverted_residual(Builder& net, const InvertedResidual& unit, NodeId x) {
  int64_t count = 0;
  const auto part = [&] { return cat(unit.name, ".block.", count++); };
  NodeId y = x;
  if (unit.expands) {
    y = net.conv_norm(part(), y, {.out = unit.expanded, .kernel = {1, 1}}, unit.activation);
  }
  const int64_t inside = net.channels(y);
  const ConvSpec depthwise = {
      .out = inside, .kernel = {unit.kernel, unit.kernel}, .stride = unit.stride, .groups = inside};
  y = net.conv_norm(part(), y, depthwise, unit.activation);
  if (unit.gate) y = squeeze_excite(net, part(), y, *unit.gate);
  y = net.conv_norm(part(), y, {.out = unit.out, .kernel = {1, 1}}, Activation::kNone);
  return unit.adds_input ? net.add(unit.name + ".add", y, x) : y;
}

}  // namespace morph::zoo
