#include <array>
#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

using Ints = std::vector<int64_t>;

constexpr std::array<int64_t, 3> kUnits = {4, 8, 4};

/// `count` channels from `start` on.
NodeId slice(Builder& net, const std::string& name, NodeId x, int64_t start, int64_t count) {
  return net.append(
      {.name = name,
       .op = "Slice",
       .inputs = {x},
       .attrs = {{"axes", Ints{1}}, {"starts", Ints{start}}, {"ends", Ints{start + count}}}});
}

/// Takes the channels of the two halves in turn. As one Gather, not as PyTorch's reshape, transpose
/// and reshape: those keep a channel only together with all that stand in its row or column.
NodeId shuffle(Builder& net, const std::string& name, NodeId x) {
  const int64_t half = net.channels(x) / 2;
  Ints indices;
  for (int64_t i = 0; i < half; ++i) indices.insert(indices.end(), {i, half + i});
  return net.append({.name = name,
                     .op = "Gather",
                     .inputs = {x},
                     .attrs = {{"axis", Ints{1}}, {"indices", indices}}});
}

/// One unit, `out` channels on either branch.
struct Unit {
  std::string name = {};
  int64_t out = 0;
  int64_t stride = 1;
  bool is_first = false;  ///< Of its stage: both branches read all of the input.
};

NodeId depthwise(Builder& net, const std::string& name, NodeId x, int64_t stride) {
  const int64_t channels = net.channels(x);
  return net.conv(name, x, {.out = channels, .stride = stride, .groups = channels});
}

NodeId short_branch(Builder& net, const Unit& unit, NodeId x) {
  const std::string name = unit.name + ".branch1";
  x = net.batch_norm(name + ".1", depthwise(net, name + ".0", x, unit.stride));
  x = net.conv(name + ".2", x, {.out = unit.out, .kernel = {1, 1}});
  return net.relu(name + ".4", net.batch_norm(name + ".3", x));
}

NodeId long_branch(Builder& net, const Unit& unit, NodeId x) {
  const std::string name = unit.name + ".branch2";
  x = net.conv(name + ".0", x, {.out = unit.out, .kernel = {1, 1}});
  x = net.relu(name + ".2", net.batch_norm(name + ".1", x));
  x = net.batch_norm(name + ".4", depthwise(net, name + ".3", x, unit.stride));
  x = net.conv(name + ".5", x, {.out = unit.out, .kernel = {1, 1}});
  return net.relu(name + ".7", net.batch_norm(name + ".6", x));
}

NodeId append_unit(Builder& net, const Unit& unit, NodeId x) {
  const int64_t half = net.channels(x) / 2;
  const NodeId kept =
      unit.is_first ? short_branch(net, unit, x) : slice(net, unit.name + ".kept", x, 0, half);
  const NodeId read = unit.is_first ? x : slice(net, unit.name + ".read", x, half, half);
  const NodeId both = net.concat(unit.name + ".concat", {kept, long_branch(net, unit, read)});
  return shuffle(net, unit.name + ".shuffle", both);
}

}  // namespace

Graph build_shufflenet_v2(const ShufflenetSpec& spec, const Options& options) {
  Builder net(spec.name, options);
  net.require_image(8);
  NodeId x = net.conv_norm(
      "conv1", net.input(), {.out = net.width(24), .stride = net.halve()}, Activation::kRelu);
  if (net.halve() == 2) {
    x = net.max_pool("maxpool", x, {.kernel = 3, .stride = 2, .padding = 1});
  }
  for (size_t stage = 0; stage < kUnits.size(); ++stage) {
    for (int64_t i = 0; i < kUnits[stage]; ++i) {
      const Unit unit = {.name = cat("stage", stage + 2, ".", i),
                         .out = net.width(spec.widths[stage] / 2),
                         .stride = i == 0 ? 2 : 1,
                         .is_first = i == 0};
      x = append_unit(net, unit, x);
    }
  }
  const ConvSpec last = {.out = net.width(spec.last), .kernel = {1, 1}};
  return net.classify(net.conv_norm("conv5", x, last, Activation::kRelu));
}

}  // namespace morph::zoo
