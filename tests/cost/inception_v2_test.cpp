// Inception V2 as TF-slim has it, at 224 × 224, with its dense layer on the map: the network on
// which google-research/morph-net checks whole totals.
#include <sstream>
#include <string>
#include <vector>

#include "graph_text.h"
#include <gtest/gtest.h>

#include "morph/cost/network_cost.h"

namespace morph {
namespace {

/// Writes the network in text form.
class InceptionV2 {
 public:
  InceptionV2() {
    text_ << "input = Input() shape=[1, 3, 224, 224]\n"
             "stem.dw = Conv(input; weight=[24, 1, 7, 7]) group=3 pads=[3, 3, 3, 3] "
             "strides=[2, 2]\n";
    std::string x = pool("pool1", conv("stem.pw", {"stem.dw", 24}, {.out = 64}).name, 2);
    Value y = conv("conv2", {x, 64}, {.out = 64});
    y = conv("conv3", y, {.out = 192, .kernel = 3});
    y.name = pool("pool3", y.name, 2);
    y = mixed("3b", y, {.single = 64, .pair = {64, 64}, .triple = {64, 96}, .pooled = 32});
    y = mixed("3c", y, {.single = 64, .pair = {64, 96}, .triple = {64, 96}, .pooled = 64});
    y = mixed("4a", y, {.pair = {128, 160}, .triple = {64, 96}});
    y = mixed("4b", y, {.single = 224, .pair = {64, 96}, .triple = {96, 128}, .pooled = 128});
    y = mixed("4c", y, {.single = 192, .pair = {96, 128}, .triple = {96, 128}, .pooled = 128});
    y = mixed("4d", y, {.single = 160, .pair = {128, 160}, .triple = {128, 160}, .pooled = 96});
    y = mixed("4e", y, {.single = 96, .pair = {128, 192}, .triple = {160, 192}, .pooled = 96});
    y = mixed("5a", y, {.pair = {128, 192}, .triple = {192, 256}});
    y = mixed("5b", y, {.single = 352, .pair = {192, 320}, .triple = {160, 224}, .pooled = 128});
    y = mixed("5c", y, {.single = 352, .pair = {192, 320}, .triple = {192, 224}, .pooled = 128});
    text_ << "places = Transpose(" << y.name
          << ") perm=[0, 2, 3, 1]\n"
             "logits = Gemm(places; weight=[1001, 1024], bias=[1001])\n"
             "return logits\n";
  }

  Graph graph() const { return graph_of(text_.str()); }

 private:
  struct Value {
    std::string name;
    int channels;
  };

  struct Filters {
    int out;
    int kernel = 1;
    int stride = 1;
  };

  /// Widths of the branches of one block; without a single convolution it halves the map.
  struct Branches {
    int single = 0;
    std::vector<int> pair;
    std::vector<int> triple;
    int pooled = 0;
  };

  Value conv(const std::string& name, const Value& x, const Filters& filters) {
    const int pad = filters.kernel / 2;
    text_ << name << " = Conv(" << x.name << "; weight=[" << filters.out << ", " << x.channels
          << ", " << filters.kernel << ", " << filters.kernel << "]) pads=[" << pad << ", " << pad
          << ", " << pad << ", " << pad << "] strides=[" << filters.stride << ", " << filters.stride
          << "]\n";
    text_ << name << ".bn = BatchNormalization(" << name;
    const char* separator = "; ";
    for (const char* slot : {"weight", "bias", "running_mean", "running_var"}) {
      text_ << separator << slot << "=[" << filters.out << "]";
      separator = ", ";
    }
    text_ << ")\n" << name << ".relu = Clip(" << name << ".bn) min=0.0 max=6.0\n";
    return {name + ".relu", filters.out};
  }

  std::string pool(const std::string& name, const std::string& x, int stride) {
    text_ << name << " = MaxPool(" << x << ") kernel_shape=[3, 3] pads=[1, 1, 1, 1] strides=["
          << stride << ", " << stride << "]\n";
    return name;
  }

  Value mixed(const std::string& name, const Value& x, const Branches& branches) {
    const int stride = branches.single == 0 ? 2 : 1;
    std::vector<Value> parts;
    if (stride == 1) parts.push_back(conv(name + ".b0", x, {.out = branches.single}));
    Value pair = conv(name + ".b1a", x, {.out = branches.pair[0]});
    parts.push_back(
        conv(name + ".b1b", pair, {.out = branches.pair[1], .kernel = 3, .stride = stride}));
    Value triple = conv(name + ".b2a", x, {.out = branches.triple[0]});
    triple = conv(name + ".b2b", triple, {.out = branches.triple[1], .kernel = 3});
    parts.push_back(
        conv(name + ".b2c", triple, {.out = branches.triple[1], .kernel = 3, .stride = stride}));
    const Value pooled = {pool(name + ".pool", x.name, stride), x.channels};
    parts.push_back(stride == 2 ? pooled : conv(name + ".b3", pooled, {.out = branches.pooled}));
    Value sum = {name + ".cat", 0};
    std::string names;
    for (const Value& part : parts) {
      names += (names.empty() ? "" : ", ") + part.name;
      sum.channels += part.channels;
    }
    text_ << sum.name << " = Concat(" << names << ") axis=1\n";
    return sum;
  }

  std::ostringstream text_;
};

double total(const Graph& graph, const char* cost, Compat compat) {
  return network_cost(graph, *make_cost_model(cost, {.compat = compat}));
}

TEST(GoldenInceptionV2, I1) {
  EXPECT_EQ(total(InceptionV2().graph(), "flops", Compat::kMorphNet), 3869716480);
}

TEST(GoldenInceptionV2, I1CountsTheDenseLayerAtEachPlaceByDefault) {
  EXPECT_EQ(total(InceptionV2().graph(), "flops", Compat::kNone),
            3869716480 + 48 * 2 * 1024 * 1001);
}

TEST(GoldenInceptionV2, I2) {
  for (const Compat compat : {Compat::kNone, Compat::kMorphNet}) {
    EXPECT_EQ(total(InceptionV2().graph(), "weights", compat), 11168408);
  }
}

TEST(GoldenInceptionV2, I3) {
  EXPECT_NEAR(total(InceptionV2().graph(), "latency:P100", Compat::kMorphNet), 517535.86, 0.005);
}

TEST(GoldenInceptionV2, V100WithDepthwiseWeightsForEveryPair) {
  EXPECT_NEAR(total(InceptionV2().graph(), "latency:V100", Compat::kMorphNet), 173330.448, 0.0005);
}

/// What the original would say of the stem's depthwise weights if it charged them once a channel:
/// its other rows, and ours for that one.
TEST(GoldenInceptionV2, V100WithDepthwiseWeightsOncePerChannel) {
  const Graph graph = InceptionV2().graph();
  const ChannelGroups groups = find_channel_groups(graph);
  const auto theirs =
      node_costs(graph, groups, *make_cost_model("latency:V100", {.compat = Compat::kMorphNet}));
  const auto ours = node_costs(graph, groups, *make_cost_model("latency:V100"));
  const size_t depthwise = index(graph.find("stem.dw").value());
  double sum = 0;
  for (size_t i = 0; i < theirs.size(); ++i) sum += i == depthwise ? ours[i] : theirs[i];
  EXPECT_NEAR(sum, 173319.994, 0.0005);
  EXPECT_NEAR(theirs[depthwise] - ours[depthwise], 10.453, 0.0005);
}

}  // namespace
}  // namespace morph
