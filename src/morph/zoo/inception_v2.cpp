#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

/// Widths of the towers of one block, before the width multiplier.
struct Mixed {
  std::string_view name;
  int64_t single;              ///< 1x1; 0 where the block halves the image.
  int64_t reduced, square;     ///< 1x1, then 3x3.
  int64_t deep_reduced, deep;  ///< 1x1, then two 3x3.
  int64_t pooled;              ///< A pool, then 1x1; 0 where the block halves the image.
  bool max_pools = false;

  bool halves() const { return single == 0; }
};

constexpr std::array kBlocks = {
    Mixed{"Mixed_3b", 64, 64, 64, 64, 96, 32},
    Mixed{"Mixed_3c", 64, 64, 96, 64, 96, 64},
    Mixed{"Mixed_4a", 0, 128, 160, 64, 96, 0},
    Mixed{"Mixed_4b", 224, 64, 96, 96, 128, 128},
    Mixed{"Mixed_4c", 192, 96, 128, 96, 128, 128},
    Mixed{"Mixed_4d", 160, 128, 160, 128, 160, 96},
    Mixed{"Mixed_4e", 96, 128, 192, 160, 192, 96},
    Mixed{"Mixed_5a", 0, 128, 192, 192, 256, 0},
    Mixed{"Mixed_5b", 352, 192, 320, 160, 224, 128},
    Mixed{"Mixed_5c", 352, 192, 320, 192, 224, 128, true},
};

/// The pool where the image is halved.
constexpr PoolSpec kHalvingPool = {.kernel = 3, .stride = 2, .padding = 1};

NodeId unit(Builder& net, const std::string& name, NodeId x, const ConvSpec& spec) {
  x = net.batch_norm(name + ".bn", net.conv(name + ".conv", x, spec));
  return net.relu(name + ".relu", x);
}

NodeId pointwise(Builder& net, const std::string& name, NodeId x, int64_t width) {
  return unit(net, name, x, {.out = net.width(width), .kernel = {1, 1}});
}

NodeId square(Builder& net, const std::string& name, NodeId x, int64_t width) {
  return unit(net, name, x, {.out = net.width(width)});
}

NodeId pooling_tower(Builder& net, const std::string& name, NodeId x, const Mixed& block) {
  constexpr PoolSpec kSameSize = {.kernel = 3, .stride = 1, .padding = 1};
  if (block.halves()) return net.max_pool(name + ".MaxPool_1a_3x3", x, kHalvingPool);
  const NodeId pool = block.max_pools ? net.max_pool(name + ".MaxPool_0a_3x3", x, kSameSize)
                                      : net.average_pool(name + ".AvgPool_0a_3x3", x, kSameSize);
  return pointwise(net, name + ".Conv2d_0b_1x1", pool, block.pooled);
}

NodeId mixed(Builder& net, const Mixed& block, NodeId x) {
  const std::string name(block.name);
  std::vector<NodeId> towers;
  const auto branch = [&] { return cat(name, ".Branch_", towers.size()); };
  if (!block.halves()) {
    towers.push_back(pointwise(net, branch() + ".Conv2d_0a_1x1", x, block.single));
  }
  const int64_t stride = block.halves() ? 2 : 1;

  NodeId tower = pointwise(net, branch() + ".Conv2d_0a_1x1", x, block.reduced);
  tower = unit(net,
               branch() + (block.halves() ? ".Conv2d_1a_3x3" : ".Conv2d_0b_3x3"),
               tower,
               {.out = net.width(block.square), .stride = stride});
  towers.push_back(tower);

  tower = pointwise(net, branch() + ".Conv2d_0a_1x1", x, block.deep_reduced);
  tower = square(net, branch() + ".Conv2d_0b_3x3", tower, block.deep);
  tower = unit(net,
               branch() + (block.halves() ? ".Conv2d_1a_3x3" : ".Conv2d_0c_3x3"),
               tower,
               {.out = net.width(block.deep), .stride = stride});
  towers.push_back(tower);

  towers.push_back(pooling_tower(net, branch(), x, block));
  return net.concat(name + ".concat", towers);
}

NodeId first_layer(Builder& net) {
  const std::string name = "Conv2d_1a_7x7";
  const int64_t side = net.is_small() ? 3 : 7;
  ConvSpec spec = {.out = net.width(64), .kernel = {side, side}, .stride = net.halve()};
  if (net.options().chosen("first") == "plain") return unit(net, name, net.input(), spec);
  // TF-slim's rule: each input channel is filtered as often as three of them need for the width.
  const int64_t filters = std::clamp<int64_t>(spec.out / 3, 1, 8);
  const int64_t images = net.channels(net.input());
  spec.out = images * filters;
  spec.groups = images;
  const NodeId depthwise = net.conv(name + ".depthwise", net.input(), spec);
  return pointwise(net, name, depthwise, 64);
}

}  // namespace

Graph build_inception_v2(const Options& options) {
  Builder net("inception_v2", options, {.epsilon = 1e-3});
  net.require_image(8);
  NodeId x = first_layer(net);
  if (net.halve() == 2) x = net.max_pool("MaxPool_2a_3x3", x, kHalvingPool);
  x = pointwise(net, "Conv2d_2b_1x1", x, 64);
  x = square(net, "Conv2d_2c_3x3", x, 192);
  x = net.max_pool("MaxPool_3a_3x3", x, kHalvingPool);
  for (const Mixed& block : kBlocks) x = mixed(net, block, x);
  return net.classify(x);
}

}  // namespace morph::zoo
