#include <algorithm>
#include <array>
#include <string>

#include "morph/base/error.h"
#include "morph/zoo/families.h"
#include "morph/zoo/inverted_residual.h"

namespace morph::zoo {
namespace {

/// A row of the article's table 1.
struct Stage {
  int64_t expansion;
  int64_t kernel;
  bool halves;
  int64_t out;
  int64_t units;
};

constexpr std::array kStages = {
    Stage{1, 3, false, 16, 1},
    Stage{6, 3, true, 24, 2},
    Stage{6, 5, true, 40, 2},
    Stage{6, 3, true, 80, 3},
    Stage{6, 5, false, 112, 3},
    Stage{6, 5, true, 192, 4},
    Stage{6, 3, false, 320, 1},
};

/// A unit that reads `in` channels of the article's.
InvertedResidual unit_of(const Builder& net, const Stage& stage, int64_t in) {
  const SqueezeExcite gate = {.width = net.width(std::max<int64_t>(1, in / 4)),
                              .activation = Activation::kSilu};
  return {.expanded = net.width(in * stage.expansion),
          .expands = stage.expansion > 1,
          .kernel = stage.kernel,
          .activation = Activation::kSilu,
          .gate = gate,
          .out = net.width(stage.out)};
}

}  // namespace

Graph build_efficientnet_b0(const Options& options) {
  Builder net("efficientnet_b0", options);
  net.require_image(8);
  int64_t width = 32;
  NodeId x = net.conv_norm("features.0",
                           net.input(),
                           {.out = net.width(width), .stride = net.halve()},
                           Activation::kSilu);
  for (size_t s = 0; s < kStages.size(); ++s) {
    for (int64_t i = 0; i < kStages[s].units; ++i) {
      InvertedResidual unit = unit_of(net, kStages[s], width);
      unit.name = cat("features.", s + 1, ".", i);
      unit.stride = kStages[s].halves && i == 0 ? net.halve() : 1;
      unit.adds_input = unit.stride == 1 && width == kStages[s].out;
      x = inverted_residual(net, unit, x);
      width = kStages[s].out;
    }
  }
  const ConvSpec last = {.out = net.width(4 * width), .kernel = {1, 1}};
  x = net.conv_norm(cat("features.", kStages.size() + 1), x, last, Activation::kSilu);
  x = net.dropout("classifier.0", net.pooled(x), 0.2);
  return net.finish(net.dense("classifier.1", x, options.classes));
}

}  // namespace morph::zoo
