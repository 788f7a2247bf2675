// Cutting each pattern that is hard to follow channels through: a random choice of channels is
// removed, and what is left computes what the masked network did.

#include <ostream>
#include <string>
#include <vector>

#include "graph_text.h"
#include "nn/run_text.h"
#include "random_graph.h"
#include <gtest/gtest.h>

#include "morph/nn/cut.h"

namespace morph {
namespace {

struct Pattern {
  std::string name;
  std::string nodes;     // From `a`, 8 channels of 4x4, to `y`, maps of any size.
  int64_t prunable = 8;  // Channel sets of a's group that may be removed.
};

void PrintTo(const Pattern& pattern, std::ostream* out) { *out << pattern.name; }

class Patterns : public ::testing::TestWithParam<Pattern> {};

/// The pattern between two layers, so that none of its channels is the network's own.
Graph closed(const Pattern& pattern) {
  const std::string body =
      "x = Input() shape=[1, 3, 4, 4]\n"
      "a = Conv(x; weight=[8, 3, 3, 3], bias=[8]) pads=[1, 1, 1, 1]\n" +
      pattern.nodes + "\nm = GlobalAveragePool(y)\nf = Flatten(m)\n";
  const Graph open = graph_of(body + "return f");
  const int64_t features = open[open.outputs()[0]].shape[1];
  return graph_of(body + "fc = Gemm(f; weight=[3, " + std::to_string(features) + "])\nreturn fc");
}

TEST_P(Patterns, CutEqualsMasked) {
  const Graph graph = closed(GetParam());
  const ChannelGroups groups = find_channel_groups(graph);
  EXPECT_EQ(groups.groups()[*groups.group_of(*graph.find("a"))].prunable, GetParam().prunable);
  Random random(5);
  const Params params = random_double_params(graph, random);
  int64_t removed = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
    for (const ChannelGroup& group : groups.groups()) {
      for (size_t i = 0; i < group.sets.size(); ++i) {
        if (groups.pinned(group.sets[i]) || i == seed % group.sets.size()) continue;
        alive[static_cast<size_t>(group.sets[i])] = random.chance(0.6);
        if (!alive[static_cast<size_t>(group.sets[i])]) ++removed;
      }
    }
    const Cut cut = cut_channels(graph, params, groups, alive);
    EXPECT_LT(cut.equivalence, 1e-10);
  }
  EXPECT_GT(removed, 0);
}

const std::vector<Pattern>& patterns() {
  static const std::vector<Pattern> kPatterns = {
      {"GatedLinearUnit",
       "l = Slice(a) starts=0 ends=4 axes=1\nr = Slice(a) starts=4 ends=8 axes=1\n"
       "s = Sigmoid(r)\ny = Mul(l, s)",
       4},
      {"ChannelShuffle",
       "r = Reshape(a) shape=[0, 2, 4, 4, 4]\nt = Transpose(r) perm=[0, 2, 1, 3, 4]\n"
       "s = Reshape(t) shape=[0, 8, 4, 4]\ny = Conv(s; weight=[6, 4, 1, 1]) group=2",
       2},
      {"PixelShuffle", "d = DepthToSpace(a) blocksize=2 mode=\"CRD\"\ny = Relu(d)", 2},
      {"DepthToSpace", "y = DepthToSpace(a) blocksize=2", 2},
      {"PixelShuffleByReshape",
       "r = Reshape(a) shape=[0, 2, 2, 2, 4, 4]\nt = Transpose(r) perm=[0, 1, 4, 2, 5, 3]\n"
       "s = Reshape(t) shape=[0, 2, 8, 8]\ny = Conv(s; weight=[3, 2, 3, 3])",
       2},
      {"SpaceToDepth", "y = SpaceToDepth(a) blocksize=2"},
      {"Grouped", "y = Conv(a; weight=[12, 2, 3, 3], bias=[12]) group=4", 2},
      {"DepthwiseMultiplier", "y = Conv(a; weight=[24, 1, 3, 3], bias=[24]) group=8"},
      {"Transposed", "y = ConvTranspose(a; weight=[8, 5, 3, 3], bias=[5]) strides=[2, 2]"},
      {"TransposedGrouped", "y = ConvTranspose(a; weight=[8, 3, 2, 2]) group=2", 4},
      {"TransposedDepthwise", "y = ConvTranspose(a; weight=[8, 2, 2, 2], bias=[16]) group=8"},
      {"UnequalSplit",
       "p = Slice(a) starts=0 ends=1 axes=1\nq = Slice(a) starts=1 ends=4 axes=1\n"
       "r = Slice(a) starts=4 ends=8 axes=1\nc = Conv(q; weight=[5, 3, 1, 1])\n"
       "y = Concat(r, c, p) axis=1"},
      {"OverlappingSlices",
       "p = Slice(a) starts=0 ends=5 axes=1\nq = Slice(a) starts=3 ends=8 axes=1\ny = Add(p, q)",
       3},
      {"SqueezeExcite",
       "g = GlobalAveragePool(a)\nc = Conv(g; weight=[4, 8, 1, 1], bias=[4])\nr = Relu(c)\n"
       "d = Conv(r; weight=[8, 4, 1, 1], bias=[8])\ns = HardSigmoid(d)\ny = Mul(a, s)"},
      {"FlatSqueezeExcite",
       "g = ReduceMean(a) axes=[2, 3] keepdims=0\nc = MatMul(g; weight=[8, 4])\nr = Relu(c)\n"
       "d = MatMul(r; weight=[4, 8])\ns = Sigmoid(d)\nu = Unsqueeze(s) axes=[2, 3]\n"
       "y = Mul(a, u)"},
      {"NhwcIsland",
       "t = Transpose(a) perm=[0, 2, 3, 1]\nb = Parameter(; value=[1, 1, 1, 8])\ns = Add(t, b)\n"
       "c = MatMul(s; weight=[8, 6])\nr = Relu(c)\ny = Transpose(r) perm=[0, 3, 1, 2]"},
      {"NhwcFlatten",
       "t = Transpose(a) perm=[0, 2, 3, 1]\nl = Flatten(t)\nc = Gemm(l; weight=[5, 128])\n"
       "y = Reshape(c) shape=[0, 5, 1, 1]"},
      {"GroupNorm", "y = GroupNormalization(a; weight=[8], bias=[8]) num_groups=4", 4},
      {"GroupNormByReshape",
       "r = Reshape(a) shape=[0, 4, -1]\nn = InstanceNormalization(r; weight=[4], bias=[4])\n"
       "s = Reshape(n) shape=[0, 8, 4, 4]\nw = Parameter(; value=[1, 8, 1, 1])\ny = Mul(s, w)",
       4},
      {"InstanceNorm", "y = InstanceNormalization(a; weight=[8], bias=[8])"},
      {"LayerNorm",
       "t = Transpose(a) perm=[0, 2, 3, 1]\nn = LayerNormalization(t; weight=[8], bias=[8])\n"
       "c = MatMul(n; weight=[8, 16])\ng = Gelu(c)\nd = MatMul(g; weight=[16, 8])\n"
       "u = Transpose(d) perm=[0, 3, 1, 2]\ny = Add(u, a)",
       0},
      {"LayerScale",
       "c = Conv(a; weight=[8, 8, 1, 1])\nw = Parameter(; value=[1, 8, 1, 1])\ns = Mul(c, w)\n"
       "y = Add(s, a)"},
      {"SplitAttention",
       "r = Reshape(a) shape=[0, 2, 4, 4, 4]\ns = ReduceSum(r) axes=1 keepdims=0\n"
       "g = GlobalAveragePool(s)\nc = Conv(g; weight=[8, 4, 1, 1])\n"
       "h = Reshape(c) shape=[0, 2, 4, 1, 1]\nw = Softmax(h) axis=1\nv = Mul(r, w)\n"
       "y = ReduceSum(v) axes=1 keepdims=0",
       4},
      {"SpatialAttention", "s = ReduceSum(a) axes=1\nw = Sigmoid(s)\ny = Mul(a, w)"},
      {"ExpandedGate",
       "c = Conv(a; weight=[1, 8, 1, 1])\ns = Sigmoid(c)\ne = Expand(s) shape=[1, 8, 4, 4]\n"
       "y = Mul(a, e)"},
      {"CoordinateChannels",
       "c = Constant(; value=[1, 2, 4, 4])\nj = Concat(a, c) axis=1\n"
       "y = Conv(j; weight=[5, 10, 1, 1])"},
      {"Permutation", "y = Gather(a) axis=1 indices=[3, 0, 7, 1, 5, 2, 6, 4]"},
      {"RepeatedChannels", "y = Tile(a) repeats=[1, 2, 1, 1]"},
      {"ResizedMaps", "r = Resize(a) sizes=[1, 8, 6, 6] mode=\"cubic\"\ny = Add(r, r)"},
      {"MatchedMaximum", "c = Conv(a; weight=[8, 8, 1, 1])\ny = Max(c, a)"},
      {"Sequence",
       "r = Reshape(a) shape=[0, 8, 16]\nt = Transpose(r) perm=[0, 2, 1]\n"
       "p = Parameter(; value=[1, 16, 8])\ns = Add(t, p)\nk = Parameter(; value=[1, 1, 8])\n"
       "j = Concat(k, s) axis=1\nh = Gather(j) axis=1 indices=0 indices_shape=[]\n"
       "y = Unsqueeze(h) axes=[2, 3]"},
  };
  return kPatterns;
}

INSTANTIATE_TEST_SUITE_P(Hard, Patterns, ::testing::ValuesIn(patterns()), [](const auto& item) {
  return item.param.name;
});

}  // namespace
}  // namespace morph
