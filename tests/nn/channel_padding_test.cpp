#include "morph/nn/channel_padding.h"

#include <limits>
#include <regex>
#include <string>

#include "nn/run_text.h"
#include "random_graph.h"
#include <ATen/ops/equal.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "morph/analysis/shapes.h"
#include "morph/ir/text.h"
#include "morph/nn/sample_outputs.h"
#include "morph/transform/expand.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

TEST(ChannelPadding, KeepsItsPlaceBehindConcatAndFlatten) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 4, 2, 1]
a = Conv(x; weight=[3, 4, 1, 1], bias=[3])
b = Conv(x; weight=[4, 4, 1, 1])
c = Concat(a, b) axis=1
f = Flatten(c)
y = Gemm(f; weight=[1, 14])
return y
)");
  Random random(1);
  Params params = random_double_params(graph, random);
  params["a.bias"] = doubles({3}, {4, 5, 6});
  params["y.weight"] = doubles({1, 14}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
  const auto padding = ChannelPadding::find(graph, params, 4);
  ASSERT_TRUE(padding.has_value());
  const Params padded = padding->pad(params);
  EXPECT_EQ(values(padded.at("a.bias")), (std::vector<double>{4, 5, 6, 0}));
  EXPECT_EQ(values(padded.at("y.weight")),
            (std::vector<double>{1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 13, 14}));
  EXPECT_EQ(values(padding->unpad("y.weight", padded.at("y.weight"))),
            values(params.at("y.weight")));
}

// Whoever trains such a network is told by the trainer.
TEST(ChannelPadding, LeavesAloneWhatIsNotFinite) {
  const Graph graph = graph_of(R"(
x = Input() shape=[1, 8, 4, 4]
a = Conv(x; weight=[12, 8, 3, 3])
y = Conv(a; weight=[8, 12, 1, 1])
return y
)");
  Params params = initial_params(graph, 1);
  EXPECT_TRUE(ChannelPadding::find(graph, params, 8).has_value());
  params.at("a.weight").fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_FALSE(ChannelPadding::find(graph, params, 8).has_value());
}

TEST(ChannelPadding, LeavesAloneWhatAddsUpConstants) {
  const auto with = [](const std::string& activation) {
    const Graph graph = graph_of(R"(
x = Input() shape=[1, 8, 4, 4]
a = Conv(x; weight=[12, 8, 3, 3])
r = )" + activation + R"((a)
s = ReduceSum(r) axes=[1] keepdims=1
y = Conv(s; weight=[8, 1, 1, 1])
return y
)");
    return ChannelPadding::find(graph, initial_params(graph, 1), 8);
  };
  EXPECT_TRUE(with("Relu").has_value());
  EXPECT_FALSE(with("Sigmoid").has_value());
}

class PaddedRandomNetworks : public ::testing::TestWithParam<uint64_t> {};

TEST_P(PaddedRandomNetworks, ComputeTheSameWhenPadded) {
  int64_t padded = 0;
  for (uint64_t seed = GetParam(); seed < GetParam() + 50; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    Random random(seed);
    const auto padding = ChannelPadding::find(graph, random_double_params(graph, random), 3);
    if (!padding) continue;
    ++padded;
    const Params others = random_double_params(graph, random);
    EXPECT_LT(relative_difference(sample_outputs(graph, others),
                                  sample_outputs(padding->graph(), padding->pad(others))),
              1e-9);
    for (const auto& [name, tensor] : others) {
      EXPECT_TRUE(at::equal(padding->unpad(name, padding->pad(name, tensor)), tensor)) << name;
    }
  }
  EXPECT_GT(padded, 20);
}

INSTANTIATE_TEST_SUITE_P(Padding, PaddedRandomNetworks, ::testing::Range<uint64_t>(0, 500, 50));

class PaddedZoo : public ::testing::TestWithParam<const char*> {};

/// A network of the zoo with odd widths. Nothing is dropped, so that two of them can be compared.
Graph odd_widths(const std::string& network) {
  static const std::regex kRatio("ratio=[0-9.]+");
  const std::string text = print_graph(scale_widths(zoo::build(network), 0.83));
  return infer_shapes(parse_graph(std::regex_replace(text, kRatio, "ratio=0.0")));
}

/// As training begins, but with shifts and scales that differ.
Params uneven_params(const Graph& graph, Random& random) {
  Params params;
  for (const auto& [name, tensor] : initial_params(graph, 3)) {
    params[name] = tensor.to(at::kDouble);
    if (tensor.dim() == 1) params[name].add_(random_doubles(shape_of(tensor), random, -0.2, 0.2));
  }
  return params;
}

double magnitude(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

/// The gradient of a sum of the outputs, weighted at random, in training mode.
std::map<std::string, at::Tensor> gradients(GraphModule& module, const at::Tensor& input) {
  const at::Tensor output = module.forward(input);
  Random random(5);
  output.mul(random_doubles(shape_of(output), random, -1, 1)).sum().backward();
  std::map<std::string, at::Tensor> grads;
  for (const auto& [name, tensor] : module.parameters()) grads[name] = tensor.grad().clone();
  return grads;
}

// In training mode, which find() does not look at.
TEST_P(PaddedZoo, ComputesAndLearnsTheSame) {
  const Graph graph = odd_widths(GetParam());
  Random random(3);
  const Params params = uneven_params(graph, random);
  const auto padding = ChannelPadding::find(graph, params, 8);
  ASSERT_TRUE(padding.has_value());
  GraphModule original(graph, params);
  GraphModule padded(padding->graph(), padding->pad(params));
  Shape shape = graph[graph.inputs().front()].shape;
  const at::Tensor input = random_doubles(batch_of(3, shape), random, -1, 1);
  {
    const c10::NoGradGuard no_grad;
    const at::Tensor expected = original.forward(input);
    EXPECT_LT(magnitude(padded.forward(input).sub(expected)), 1e-7 * magnitude(expected));
  }
  const auto expected = gradients(original, input);
  const auto actual = gradients(padded, input);
  double largest = 0;
  for (const auto& [name, grad] : expected) largest = std::max(largest, magnitude(grad));
  for (const auto& [name, grad] : expected) {
    // Some are zero but for rounding: a shift right before a BatchNormalization.
    const double rounding = 1e-5 * magnitude(grad) + 1e-12 * largest;
    EXPECT_LE(magnitude(padding->unpad(name, actual.at(name)).sub(grad)), rounding) << name;
  }
}

TEST_P(PaddedZoo, HasWidthsThatAreMultiples) {
  const Graph graph = odd_widths(GetParam());
  const auto padding = ChannelPadding::find(graph, initial_params(graph, 1), 8);
  ASSERT_TRUE(padding.has_value());
  for (const Node& node : padding->graph().nodes()) {
    const bool is_of_the_image = node.integer("group", 1) == 3;
    if (node.op != "Conv" || is_of_the_image) continue;
    EXPECT_EQ(node.shape[1] % 8, 0) << node.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Families,
                         PaddedZoo,
                         ::testing::Values("resnet20",
                                           "mobilenet_v2?input=3x32x32",
                                           "mobilenet_v3_large?input=3x32x32",
                                           "shufflenet_v2_x1_0?input=3x32x32",
                                           "inception_v2?input=3x32x32&width=0.25",
                                           "vgg11_bn?input=3x32x32&width=0.25"));

}  // namespace
}  // namespace morph
