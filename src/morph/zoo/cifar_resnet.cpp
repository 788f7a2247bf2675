#include <array>
#include <string>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

NodeId shortcut(Builder& net, const std::string& name, NodeId x, const ConvSpec& first) {
  if (first.stride == 1) return x;
  const ConvSpec projection = {.out = first.out, .kernel = {1, 1}, .stride = first.stride};
  return net.batch_norm(name + ".downsample.1", net.conv(name + ".downsample.0", x, projection));
}

NodeId basic_block(Builder& net, const std::string& name, NodeId x, const ConvSpec& first) {
  NodeId y = net.conv(name + ".conv1", x, first);
  y = net.relu(name + ".relu1", net.batch_norm(name + ".bn1", y));
  y = net.conv(name + ".conv2", y, {.out = first.out});
  y = net.batch_norm(name + ".bn2", y);
  y = net.add(name + ".add", y, shortcut(net, name, x, first));
  return net.relu(name + ".relu2", y);
}

}  // namespace

Graph build_cifar_resnet(const std::string& name, int64_t depth, const Options& options) {
  const int64_t blocks = (depth - 2) / 6;
  if (depth < 8 || depth > 164 || depth != 6 * blocks + 2) {
    throw Error(cat("a residual network for small images has depth 8, 14, …, 164, got ", depth));
  }
  Builder net(name, options);
  net.require_image(4);
  NodeId x = net.conv("conv1", net.input(), {.out = net.width(16)});
  x = net.relu("relu", net.batch_norm("bn1", x));
  constexpr std::array<int64_t, 3> kWidths = {16, 32, 64};
  for (size_t stage = 0; stage < kWidths.size(); ++stage) {
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      x = basic_block(net,
                      cat("layer", stage + 1, ".", block),
                      x,
                      {.out = net.width(kWidths[stage]), .stride = stride});
    }
  }
  return net.classify(x);
}

}  // namespace morph::zoo
