#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

/// How often the image is halved.
constexpr int64_t kLevels = 4;

/// Two 3x3 convolutions, each with normalization and ReLU.
NodeId double_conv(Builder& net, const std::string& name, NodeId x, int64_t width) {
  for (const int64_t i : {0, 3}) {
    x = net.conv(cat(name, ".double_conv.", i), x, {.out = net.width(width)});
    x = net.batch_norm(cat(name, ".double_conv.", i + 1), x);
    x = net.relu(cat(name, ".double_conv.", i + 2), x);
  }
  return x;
}

}  // namespace

Graph build_unet(const Options& options) {
  Builder net("unet", options);
  constexpr int64_t kMultiple = int64_t{1} << kLevels;
  net.require_image(kMultiple);
  for (const int64_t side : {options.input[1], options.input[2]}) {
    if (side % kMultiple == 0) continue;
    throw Error(cat("network 'unet' needs sides that are multiples of ",
                    kMultiple,
                    ", got ",
                    format_shape(options.input)));
  }
  int64_t width = 64;
  NodeId x = double_conv(net, "inc", net.input(), width);
  std::vector<NodeId> skips;
  for (int64_t level = 1; level <= kLevels; ++level) {
    skips.push_back(x);
    width *= 2;
    const std::string name = cat("down", level, ".maxpool_conv");
    x = net.max_pool(name + ".0", x, {.kernel = 2, .stride = 2});
    x = double_conv(net, name + ".1", x, width);
  }
  for (int64_t level = 1; level <= kLevels; ++level) {
    width /= 2;
    const std::string name = cat("up", level);
    x = net.double_size(name + ".up", x, net.width(width));
    x = net.concat(name + ".concat", {skips.back(), x});
    skips.pop_back();
    x = double_conv(net, name + ".conv", x, width);
  }
  const ConvSpec last = {.out = options.classes, .kernel = {1, 1}, .bias = true};
  return net.finish(net.conv("outc.conv", x, last));
}

}  // namespace morph::zoo
