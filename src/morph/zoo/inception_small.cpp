#include <string>

#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

/// Widths of a block's four towers, before the width multiplier.
struct Towers {
  int64_t single;           ///< 1x1.
  int64_t reduced, square;  ///< 1x1 and 3x3; and 1x1, 3x3 and 3x3.
  int64_t pooled;           ///< Average pool and 1x1.
};

NodeId unit(Builder& net, const std::string& name, NodeId x, const ConvSpec& spec) {
  x = net.batch_norm(name + ".bn", net.conv(name + ".conv", x, spec));
  return net.relu(name + ".relu", x);
}

NodeId block(Builder& net, const std::string& name, NodeId x, const Towers& towers) {
  const ConvSpec reduced = {.out = net.width(towers.reduced), .kernel = {1, 1}};
  const ConvSpec square = {.out = net.width(towers.square)};
  const NodeId tower1 =
      unit(net, name + ".branch1x1", x, {.out = net.width(towers.single), .kernel = {1, 1}});
  NodeId tower2 = unit(net, name + ".branch3x3_1", x, reduced);
  tower2 = unit(net, name + ".branch3x3_2", tower2, square);
  NodeId tower3 = unit(net, name + ".branch3x3dbl_1", x, reduced);
  tower3 = unit(net, name + ".branch3x3dbl_2", tower3, square);
  tower3 = unit(net, name + ".branch3x3dbl_3", tower3, square);
  NodeId tower4 = net.average_pool(name + ".pool", x, {.kernel = 3, .padding = 1});
  tower4 =
      unit(net, name + ".branch_pool", tower4, {.out = net.width(towers.pooled), .kernel = {1, 1}});
  return net.concat(name + ".concat", {tower1, tower2, tower3, tower4});
}

}  // namespace

Graph build_inception_small(const Options& options) {
  constexpr PoolSpec kHalve = {.kernel = 3, .stride = 2, .padding = 1};
  Builder net("inception_small", options);
  net.require_image(4);
  NodeId x = unit(net, "stem", net.input(), {.out = net.width(32)});
  x = net.max_pool("pool1", x, kHalve);
  x = block(net, "mixed1", x, {.single = 16, .reduced = 16, .square = 24, .pooled = 16});
  x = block(net, "mixed2", x, {.single = 32, .reduced = 32, .square = 48, .pooled = 32});
  x = net.max_pool("pool2", x, kHalve);
  x = block(net, "mixed3", x, {.single = 48, .reduced = 48, .square = 64, .pooled = 48});
  return net.classify(x);
}

}  // namespace morph::zoo
