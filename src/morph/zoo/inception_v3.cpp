#include <string>
#include <utility>
#include <vector>

#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

constexpr PoolSpec kHalvingPool = {.kernel = 3, .stride = 2};

/// Appends the convolutions of one block, each with normalization and ReLU, `<block>.<part>.conv`
/// and so on.
class Block {
 public:
  Block(Builder& net, std::string name) : net_(net), name_(std::move(name)) {}

  NodeId conv(const std::string& part, NodeId x, int64_t width, Kernel kernel = {1, 1}) const {
    return unit(part, x, {.out = net_.width(width), .kernel = kernel});
  }

  /// A 3x3 convolution that halves the image.
  NodeId halving(const std::string& part, NodeId x, int64_t width) const {
    return unit(part, x, {.out = net_.width(width), .stride = 2, .padding = 0});
  }

  NodeId pooling_tower(NodeId x, int64_t width) const {
    constexpr PoolSpec kSameSize = {.kernel = 3, .stride = 1, .padding = 1};
    return conv("branch_pool", net_.average_pool(name_ + ".pool", x, kSameSize), width);
  }

  NodeId max_pool(NodeId x) const { return net_.max_pool(name_ + ".pool", x, kHalvingPool); }

  NodeId concat(std::vector<NodeId> towers) const {
    return net_.concat(name_ + ".concat", std::move(towers));
  }

 private:
  NodeId unit(const std::string& part, NodeId x, const ConvSpec& spec) const {
    const std::string name = name_ + "." + part;
    x = net_.batch_norm(name + ".bn", net_.conv(name + ".conv", x, spec));
    return net_.relu(name + ".relu", x);
  }

  Builder& net_;
  std::string name_;
};

/// Towers of 1x1, 5x5 and two 3x3: InceptionA.
NodeId squares(const Block& block, NodeId x, int64_t pooled) {
  const NodeId single = block.conv("branch1x1", x, 64);
  NodeId five = block.conv("branch5x5_1", x, 48);
  five = block.conv("branch5x5_2", five, 64, {5, 5});
  NodeId twice = block.conv("branch3x3dbl_1", x, 64);
  twice = block.conv("branch3x3dbl_2", twice, 96, {3, 3});
  twice = block.conv("branch3x3dbl_3", twice, 96, {3, 3});
  return block.concat({single, five, twice, block.pooling_tower(x, pooled)});
}

/// The first block that halves the image: InceptionB.
NodeId first_reduction(const Block& block, NodeId x) {
  const NodeId once = block.halving("branch3x3", x, 384);
  NodeId twice = block.conv("branch3x3dbl_1", x, 64);
  twice = block.conv("branch3x3dbl_2", twice, 96, {3, 3});
  twice = block.halving("branch3x3dbl_3", twice, 96);
  return block.concat({once, twice, block.max_pool(x)});
}

/// Towers of 7x7 convolutions taken apart: InceptionC.
NodeId strips(const Block& block, NodeId x, int64_t inner) {
  const NodeId single = block.conv("branch1x1", x, 192);
  NodeId once = block.conv("branch7x7_1", x, inner);
  once = block.conv("branch7x7_2", once, inner, {1, 7});
  once = block.conv("branch7x7_3", once, 192, {7, 1});
  NodeId twice = block.conv("branch7x7dbl_1", x, inner);
  twice = block.conv("branch7x7dbl_2", twice, inner, {7, 1});
  twice = block.conv("branch7x7dbl_3", twice, inner, {1, 7});
  twice = block.conv("branch7x7dbl_4", twice, inner, {7, 1});
  twice = block.conv("branch7x7dbl_5", twice, 192, {1, 7});
  return block.concat({single, once, twice, block.pooling_tower(x, 192)});
}

/// The second block that halves the image: InceptionD.
NodeId second_reduction(const Block& block, NodeId x) {
  NodeId square = block.conv("branch3x3_1", x, 192);
  square = block.halving("branch3x3_2", square, 320);
  NodeId strip = block.conv("branch7x7x3_1", x, 192);
  strip = block.conv("branch7x7x3_2", strip, 192, {1, 7});
  strip = block.conv("branch7x7x3_3", strip, 192, {7, 1});
  strip = block.halving("branch7x7x3_4", strip, 192);
  return block.concat({square, strip, block.max_pool(x)});
}

/// Towers that fork at their end: InceptionE.
NodeId forks(const Block& block, NodeId x) {
  const NodeId single = block.conv("branch1x1", x, 320);
  const NodeId once = block.conv("branch3x3_1", x, 384);
  const NodeId once_flat = block.conv("branch3x3_2a", once, 384, {1, 3});
  const NodeId once_tall = block.conv("branch3x3_2b", once, 384, {3, 1});
  NodeId twice = block.conv("branch3x3dbl_1", x, 448);
  twice = block.conv("branch3x3dbl_2", twice, 384, {3, 3});
  const NodeId twice_flat = block.conv("branch3x3dbl_3a", twice, 384, {1, 3});
  const NodeId twice_tall = block.conv("branch3x3dbl_3b", twice, 384, {3, 1});
  return block.concat(
      {single, once_flat, once_tall, twice_flat, twice_tall, block.pooling_tower(x, 192)});
}

NodeId stem(Builder& net) {
  const auto unit = [&](const std::string& name, NodeId x, const ConvSpec& spec) {
    x = net.batch_norm(name + ".bn", net.conv(name + ".conv", x, spec));
    return net.relu(name + ".relu", x);
  };
  NodeId x = unit(
      "Conv2d_1a_3x3", net.input(), {.out = net.width(32), .stride = net.halve(), .padding = 0});
  x = unit("Conv2d_2a_3x3", x, {.out = net.width(32), .padding = 0});
  x = unit("Conv2d_2b_3x3", x, {.out = net.width(64)});
  if (net.halve() == 2) x = net.max_pool("maxpool1", x, kHalvingPool);
  x = unit("Conv2d_3b_1x1", x, {.out = net.width(80), .kernel = {1, 1}});
  x = unit("Conv2d_4a_3x3", x, {.out = net.width(192), .padding = 0});
  return net.max_pool("maxpool2", x, kHalvingPool);
}

}  // namespace

Graph build_inception_v3(const Options& options) {
  Builder net("inception_v3", options, {.epsilon = 1e-3});
  net.require_image(net.is_small() ? 21 : 75);
  NodeId x = stem(net);
  x = squares({net, "Mixed_5b"}, x, 32);
  x = squares({net, "Mixed_5c"}, x, 64);
  x = squares({net, "Mixed_5d"}, x, 64);
  x = first_reduction({net, "Mixed_6a"}, x);
  x = strips({net, "Mixed_6b"}, x, 128);
  x = strips({net, "Mixed_6c"}, x, 160);
  x = strips({net, "Mixed_6d"}, x, 160);
  x = strips({net, "Mixed_6e"}, x, 192);
  x = second_reduction({net, "Mixed_7a"}, x);
  x = forks({net, "Mixed_7b"}, x);
  x = forks({net, "Mixed_7c"}, x);
  x = net.dropout("dropout", net.pooled(x), 0.5);
  return net.finish(net.dense("fc", x, options.classes));
}

}  // namespace morph::zoo
