#include <array>
#include <string>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

constexpr std::array<int64_t, 5> kWidths = {64, 128, 256, 512, 512};

/// Two dense layers of 4096 on the whole last map.
NodeId wide_head(Builder& net, NodeId x) {
  x = net.flatten("flatten", x);
  for (const int64_t i : {0, 3}) {
    x = net.dense(cat("classifier.", i), x, net.width(4096));
    x = net.relu(cat("classifier.", i + 1), x);
    x = net.dropout(cat("classifier.", i + 2), x, 0.5);
  }
  return net.dense("classifier.6", x, net.options().classes);
}

}  // namespace

Graph build_vgg(const VggSpec& spec, const Options& options) {
  Builder net(spec.name, options);
  net.require_image(32);
  NodeId x = net.input();
  int64_t count = 0;
  const auto feature = [&] { return cat("features.", count++); };
  for (size_t stage = 0; stage < kWidths.size(); ++stage) {
    for (int64_t i = 0; i < spec.layers[stage]; ++i) {
      x = net.conv(feature(), x, {.out = net.width(kWidths[stage]), .bias = true});
      x = net.batch_norm(feature(), x);
      x = net.relu(feature(), x);
    }
    x = net.max_pool(feature(), x, {.kernel = 2, .stride = 2});
  }
  if (options.chosen("head") == "small") {
    return net.finish(net.dense("classifier", net.pooled(x), options.classes));
  }
  return net.finish(wide_head(net, x));
}

}  // namespace morph::zoo
