#include <algorithm>
#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/zoo/families.h"
#include "morph/zoo/inverted_residual.h"

namespace morph::zoo {
namespace {

/// A row of the article's tables 1 and 2.
struct Row {
  int64_t kernel;
  int64_t expanded;
  int64_t out;
  bool is_gated;
  Activation activation;
  bool halves;
};

struct Variant {
  std::vector<Row> rows;
  int64_t last_conv;
  int64_t last_dense;
};

constexpr Activation kRe = Activation::kRelu;
constexpr Activation kHs = Activation::kHardSwish;

const Variant kLarge = {.rows =
                            {
                                {3, 16, 16, false, kRe, false},
                                {3, 64, 24, false, kRe, true},
                                {3, 72, 24, false, kRe, false},
                                {5, 72, 40, true, kRe, true},
                                {5, 120, 40, true, kRe, false},
                                {5, 120, 40, true, kRe, false},
                                {3, 240, 80, false, kHs, true},
                                {3, 200, 80, false, kHs, false},
                                {3, 184, 80, false, kHs, false},
                                {3, 184, 80, false, kHs, false},
                                {3, 480, 112, true, kHs, false},
                                {3, 672, 112, true, kHs, false},
                                {5, 672, 160, true, kHs, true},
                                {5, 960, 160, true, kHs, false},
                                {5, 960, 160, true, kHs, false},
                            },
                        .last_conv = 960,
                        .last_dense = 1280};

const Variant kSmall = {.rows =
                            {
                                {3, 16, 16, true, kRe, true},
                                {3, 72, 24, false, kRe, true},
                                {3, 88, 24, false, kRe, false},
                                {5, 96, 40, true, kHs, true},
                                {5, 240, 40, true, kHs, false},
                                {5, 240, 40, true, kHs, false},
                                {5, 120, 48, true, kHs, false},
                                {5, 144, 48, true, kHs, false},
                                {5, 288, 96, true, kHs, true},
                                {5, 576, 96, true, kHs, false},
                                {5, 576, 96, true, kHs, false},
                            },
                        .last_conv = 576,
                        .last_dense = 1024};

/// The multiple of eight nearest to a quarter of `width`, not below nine tenths of it.
int64_t squeezed(int64_t width) {
  const int64_t quarter = width / 4;
  const int64_t rounded = std::max<int64_t>(8, (quarter + 4) / 8 * 8);
  return 10 * rounded < 9 * quarter ? rounded + 8 : rounded;
}

InvertedResidual unit_of(Builder& net, const Row& row, int64_t in) {
  InvertedResidual unit = {.expanded = net.width(row.expanded),
                           .expands = row.expanded != in,
                           .kernel = row.kernel,
                           .stride = row.halves ? net.halve() : 1,
                           .activation = row.activation,
                           .out = net.width(row.out)};
  if (row.is_gated) {
    unit.gate = SqueezeExcite{.width = net.width(squeezed(row.expanded)), .is_hard = true};
  }
  unit.adds_input = unit.stride == 1 && in == row.out;
  return unit;
}

Graph build_variant(const std::string& name, const Variant& variant, const Options& options) {
  Builder net(name, options, {.epsilon = 1e-3, .momentum = 0.99});
  net.require_image(8);
  int64_t width = 16;
  NodeId x = net.conv_norm(
      "features.0", net.input(), {.out = net.width(width), .stride = net.halve()}, kHs);
  int64_t count = 0;
  for (const Row& row : variant.rows) {
    InvertedResidual unit = unit_of(net, row, width);
    unit.name = cat("features.", ++count);
    x = inverted_residual(net, unit, x);
    width = row.out;
  }
  const ConvSpec last = {.out = net.width(variant.last_conv), .kernel = {1, 1}};
  x = net.conv_norm(cat("features.", ++count), x, last, kHs);
  x = net.dense("classifier.0", net.pooled(x), net.width(variant.last_dense));
  x = net.dropout("classifier.2", net.activate("classifier.1", x, kHs), 0.2);
  return net.finish(net.dense("classifier.3", x, options.classes));
}

}  // namespace

Graph build_mobilenet_v3_large(const Options& options) {
  return build_variant("mobilenet_v3_large", kLarge, options);
}

Graph build_mobilenet_v3_small(const Options& options) {
  return build_variant("mobilenet_v3_small", kSmall, options);
}

}  // namespace morph::zoo
