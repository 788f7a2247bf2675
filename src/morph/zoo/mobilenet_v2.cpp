#include <array>
#include <string>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

/// A row of the article's table 2.
struct Stage {
  int64_t expansion;
  int64_t out;
  int64_t units;
  bool halves;
};

constexpr std::array kStages = {
    Stage{1, 16, 1, false},
    Stage{6, 24, 2, true},
    Stage{6, 32, 3, true},
    Stage{6, 64, 4, true},
    Stage{6, 96, 3, false},
    Stage{6, 160, 3, true},
    Stage{6, 320, 1, false},
};

/// One inverted residual.
struct Unit {
  std::string name;
  int64_t in, out;  ///< The article's.
  int64_t expansion;
  int64_t stride;
};

/// torchvision counts the parts of a unit, and those of each of the first ones with an activation.
NodeId append_unit(Builder& net, const Unit& unit, NodeId x) {
  int64_t count = 0;
  const auto part = [&] { return cat(unit.name, ".conv.", count++); };
  NodeId y = x;
  if (unit.expansion > 1) {
    const ConvSpec widen = {.out = net.width(unit.in * unit.expansion), .kernel = {1, 1}};
    y = net.conv_norm(part(), y, widen, Activation::kRelu6);
  }
  const int64_t inside = net.channels(y);
  const ConvSpec depthwise = {.out = inside, .stride = unit.stride, .groups = inside};
  y = net.conv_norm(part(), y, depthwise, Activation::kRelu6);
  y = net.conv(part(), y, {.out = net.width(unit.out), .kernel = {1, 1}});
  y = net.batch_norm(part(), y);
  const bool adds = unit.stride == 1 && unit.in == unit.out;
  return adds ? net.add(unit.name + ".add", y, x) : y;
}

}  // namespace

Graph build_mobilenet_v2(const Options& options) {
  Builder net("mobilenet_v2", options);
  net.require_image(8);
  int64_t width = 32;
  NodeId x = net.conv_norm("features.0",
                           net.input(),
                           {.out = net.width(width), .stride = net.halve()},
                           Activation::kRelu6);
  int64_t count = 0;
  for (const Stage& stage : kStages) {
    for (int64_t i = 0; i < stage.units; ++i) {
      const Unit unit = {.name = cat("features.", ++count),
                         .in = width,
                         .out = stage.out,
                         .expansion = stage.expansion,
                         .stride = stage.halves && i == 0 ? net.halve() : 1};
      x = append_unit(net, unit, x);
      width = stage.out;
    }
  }
  const ConvSpec last = {.out = net.width(1280), .kernel = {1, 1}};
  x = net.conv_norm(cat("features.", ++count), x, last, Activation::kRelu6);
  x = net.dropout("classifier.0", net.pooled(x), 0.2);
  return net.finish(net.dense("classifier.1", x, options.classes));
}

}  // namespace morph::zoo
