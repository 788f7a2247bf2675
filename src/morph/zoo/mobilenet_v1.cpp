#include <array>
#include <string>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

/// A depthwise convolution and a pointwise one.
struct Separable {
  int64_t out;
  bool halves = false;
};

constexpr std::array kLayers = {
    Separable{64},
    Separable{128, true},
    Separable{128},
    Separable{256, true},
    Separable{256},
    Separable{512, true},
    Separable{512},
    Separable{512},
    Separable{512},
    Separable{512},
    Separable{512},
    Separable{1024, true},
    Separable{1024},
};

NodeId unit(Builder& net, const std::string& name, NodeId x, const ConvSpec& spec) {
  x = net.batch_norm(name + ".bn", net.conv(name + ".conv", x, spec));
  return net.activate(name + ".relu6", x, Activation::kRelu6);
}

}  // namespace

Graph build_mobilenet_v1(const Options& options) {
  Builder net("mobilenet_v1", options, {.epsilon = 1e-3});
  net.require_image(8);
  NodeId x = unit(net, "Conv2d_0", net.input(), {.out = net.width(32), .stride = net.halve()});
  for (size_t i = 0; i < kLayers.size(); ++i) {
    const int64_t channels = net.channels(x);
    const int64_t stride = kLayers[i].halves ? net.halve() : 1;
    const std::string name = cat("Conv2d_", i + 1);
    x = unit(net, name + "_depthwise", x, {.out = channels, .stride = stride, .groups = channels});
    x = unit(net, name + "_pointwise", x, {.out = net.width(kLayers[i].out), .kernel = {1, 1}});
  }
  return net.classify(x);
}

}  // namespace morph::zoo
