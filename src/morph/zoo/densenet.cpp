#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

/// Width of a layer's 1x1 convolution, in growth rates.
constexpr int64_t kBottleneck = 4;

/// Layers that each read all channels before them and add `growth`.
struct DenseBlock {
  int64_t layers = 0;
  int64_t growth = 0;
};

NodeId stem(Builder& net, int64_t width) {
  const int64_t side = net.is_small() ? 3 : 7;
  const ConvSpec spec = {.out = net.width(width), .kernel = {side, side}, .stride = net.halve()};
  NodeId x = net.conv("features.conv0", net.input(), spec);
  x = net.relu("features.relu0", net.batch_norm("features.norm0", x));
  if (net.halve() == 1) return x;
  return net.max_pool("features.pool0", x, {.kernel = 3, .stride = 2, .padding = 1});
}

/// What one layer adds to the channels that it reads.
NodeId dense_layer(Builder& net, const std::string& name, NodeId x, int64_t growth) {
  x = net.relu(name + ".relu1", net.batch_norm(name + ".norm1", x));
  x = net.conv(name + ".conv1", x, {.out = net.width(kBottleneck * growth), .kernel = {1, 1}});
  x = net.relu(name + ".relu2", net.batch_norm(name + ".norm2", x));
  return net.conv(name + ".conv2", x, {.out = net.width(growth)});
}

/// Each layer reads the block's input and what all layers before it have added.
NodeId dense_block(Builder& net, const std::string& name, NodeId x, const DenseBlock& block) {
  std::vector<NodeId> parts = {x};
  for (int64_t i = 1; i <= block.layers; ++i) {
    const std::string layer = cat(name, ".denselayer", i);
    const NodeId all = i == 1 ? x : net.concat(layer + ".concat", parts);
    parts.push_back(dense_layer(net, layer, all, block.growth));
  }
  return net.concat(name + ".concat", parts);
}

NodeId transition(Builder& net, const std::string& name, NodeId x, int64_t width) {
  x = net.relu(name + ".relu", net.batch_norm(name + ".norm", x));
  x = net.conv(name + ".conv", x, {.out = net.width(width), .kernel = {1, 1}});
  return net.average_pool(name + ".pool", x, {.kernel = 2, .stride = 2});
}

}  // namespace

Graph build_densenet(const DensenetSpec& spec, const Options& options) {
  Builder net(spec.name, options);
  net.require_image(options.chosen("stem") == "small" ? 8 : 32);
  int64_t width = 2 * spec.growth;
  NodeId x = stem(net, width);
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const DenseBlock block = {.layers = spec.layers[i], .growth = spec.growth};
    x = dense_block(net, cat("features.denseblock", i + 1), x, block);
    width += spec.layers[i] * spec.growth;
    if (i + 1 == spec.layers.size()) continue;
    width /= 2;
    x = transition(net, cat("features.transition", i + 1), x, width);
  }
  x = net.relu("features.relu5", net.batch_norm("features.norm5", x));
  return net.finish(net.dense("classifier", net.pooled(x), options.classes));
}

}  // namespace morph::zoo
