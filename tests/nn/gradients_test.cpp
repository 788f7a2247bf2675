// The gradient of every op against central differences, in double precision.

#include <set>
#include <string>
#include <vector>

#include "nn/run_text.h"
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/ops/op_def.h"

namespace morph {
namespace {

struct GradientCase {
  std::string name;
  std::string input;  // Shape of one example.
  std::string nodes;  // Ends with a node called y.
};

const std::vector<GradientCase>& gradient_cases() {
  static const std::vector<GradientCase> kCases = {
      {"Add", "[1, 3]", "a = Tanh(x)\ny = Add(x, a, x)"},
      {"AddSpread", "[1, 2, 3]", "a = Slice(x) starts=0 ends=1 axes=2\ny = Add(x, a)"},
      {"AveragePool",
       "[1, 2, 4, 4]",
       "y = AveragePool(x) kernel_shape=[3, 3] strides=[2, 2] pads=[0, 0, 1, 1]"},
      {"AveragePoolSymmetric",
       "[1, 2, 4, 4]",
       "y = AveragePool(x) kernel_shape=[3, 3] pads=[1, 1, 1, 1] count_include_pad=1"},
      {"BatchNormalization",
       "[1, 2, 2, 2]",
       "y = BatchNormalization(x; weight=[2], bias=[2], running_mean=[2], running_var=[2])"},
      {"BatchNormalizationFlat",
       "[1, 3]",
       "y = BatchNormalization(x; weight=[3], bias=[3], running_mean=[3], running_var=[3])"},
      {"Clip", "[1, 6]", "y = Clip(x) min=-0.5 max=0.5"},
      {"Concat", "[1, 2, 2]", "a = Sigmoid(x)\ny = Concat(x, a) axis=1"},
      {"Conv",
       "[1, 2, 4, 4]",
       "y = Conv(x; weight=[3, 2, 3, 3], bias=[3]) pads=[1, 1, 1, 1] strides=[2, 2]"},
      {"ConvAsymmetric", "[1, 2, 4, 4]", "y = Conv(x; weight=[3, 2, 2, 2]) pads=[0, 1, 1, 0]"},
      {"ConvGrouped", "[1, 4, 3, 3]", "y = Conv(x; weight=[4, 2, 3, 3], bias=[4]) group=2"},
      {"ConvDepthwise", "[1, 2, 3, 3]", "y = Conv(x; weight=[4, 1, 2, 2]) group=2"},
      {"ConvOneAxis", "[1, 2, 5]", "y = Conv(x; weight=[2, 2, 3], bias=[2]) dilations=[2]"},
      {"ConvThreeAxes", "[1, 1, 3, 3, 3]", "y = Conv(x; weight=[2, 1, 2, 2, 2], bias=[2])"},
      {"Dropout", "[1, 6]", "y = Dropout(x)"},
      {"Flatten", "[1, 2, 2]", "y = Flatten(x)"},
      {"Gemm", "[1, 3]", "y = Gemm(x; weight=[2, 3], bias=[2])"},
      {"GemmOfSequence", "[1, 2, 3]", "y = Gemm(x; weight=[2, 3])"},
      {"GlobalAveragePool", "[1, 2, 2, 3]", "y = GlobalAveragePool(x)"},
      {"HardSigmoid", "[1, 6]", "y = HardSigmoid(x) alpha=0.6"},
      {"HardSwish", "[1, 6]", "y = HardSwish(x)"},
      {"Identity", "[1, 3]", "y = Identity(x)"},
      {"LeakyRelu", "[1, 6]", "y = LeakyRelu(x)"},
      {"MaxPool",
       "[1, 2, 4, 4]",
       "y = MaxPool(x) kernel_shape=[3, 3] strides=[2, 2] pads=[1, 1, 0, 0]"},
      {"MaxPoolSymmetric", "[1, 2, 4, 4]", "y = MaxPool(x) kernel_shape=[2, 2] strides=[2, 2]"},
      {"Mul", "[1, 2, 2]", "a = Tanh(x)\ny = Mul(x, a)"},
      {"Pad", "[1, 2, 3]", "y = Pad(x) pads=[0, 1, 1, 0, 0, 2] value=2.0"},
      {"PadReflect", "[1, 2, 3]", "y = Pad(x) pads=[0, 0, 1, 0, 0, 2] mode=\"reflect\""},
      {"PadEdge", "[1, 2, 3]", "y = Pad(x) pads=[0, 0, 1, 0, 0, 2] mode=\"edge\""},
      {"Relu", "[1, 6]", "y = Relu(x)"},
      {"Reshape", "[1, 4]", "a = Reshape(x) shape=[0, 2, 2]\ny = Softmax(a) axis=1"},
      {"Sigmoid", "[1, 3]", "y = Sigmoid(x)"},
      {"Slice", "[1, 5]", "y = Slice(x) starts=0 ends=5 axes=1 steps=2"},
      {"SliceBackwards", "[1, 5]", "y = Slice(x) starts=4 ends=0 axes=1 steps=-1"},
      {"Softmax", "[1, 4]", "y = Softmax(x)"},
      {"Tanh", "[1, 3]", "y = Tanh(x)"},
      {"Transpose", "[1, 2, 3]", "y = Transpose(x) perm=[0, 2, 1]"},
  };
  return kCases;
}

Graph case_graph(const GradientCase& c) {
  return graph_of("x = Input() shape=" + c.input + "\n" + c.nodes + "\nreturn y");
}

/// A scalar function of the network's output whose gradient differs everywhere.
class Objective {
 public:
  Objective(const GraphModule& module, const Shape& output, Random& random)
      : module_(module), weights_(random_doubles(output, random, -1, 1)) {}

  at::Tensor operator()(const at::Tensor& x) const {
    // Dropout must drop the same elements each time.
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    generator.set_current_seed(5);
    return (module_.forward(x).mul(weights_)).sum();
  }

 private:
  const GraphModule& module_;
  at::Tensor weights_;
};

/// The change of the objective with each element of `tensor`, by (f(t + h) - f(t - h)) / 2h.
std::vector<double> central_differences(const Objective& f,
                                        const at::Tensor& x,
                                        at::Tensor tensor) {
  constexpr double kStep = 1e-5;
  const at::NoGradGuard no_grad;
  const at::Tensor flat = tensor.detach().view(-1);
  double* data = flat.mutable_data_ptr<double>();
  std::vector<double> slopes;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const double value = data[i];
    data[i] = value + kStep;
    const double above = f(x).item<double>();
    data[i] = value - kStep;
    const double below = f(x).item<double>();
    data[i] = value;
    slopes.push_back((above - below) / (2 * kStep));
  }
  return slopes;
}

void check_gradients(GraphModule& module, const Graph& graph, Random& random) {
  at::Tensor x = random_doubles(batch_of(3, graph[NodeId{0}].shape), random, -1, 1);
  x.set_requires_grad(true);
  const Objective f(module, batch_of(3, graph[graph.outputs()[0]].shape), random);
  f(x).backward();
  auto tensors = module.parameters();
  tensors.emplace_back("input", x);
  for (auto& [name, tensor] : tensors) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(tensor.grad().defined());
    // Truncation is of the order step² = 1e-10 times a third derivative, rounding 1e-16 / step.
    EXPECT_THAT(
        values(tensor.grad()),
        ::testing::Pointwise(::testing::DoubleNear(1e-7), central_differences(f, x, tensor)));
    tensor.mutable_grad().reset();
  }
}

class Gradients : public ::testing::TestWithParam<GradientCase> {};

TEST_P(Gradients, AgreeWithCentralDifferences) {
  const Graph graph = case_graph(GetParam());
  Random random(4);
  GraphModule module(graph, random_double_params(graph, random));
  check_gradients(module, graph, random);
  module.set_training(false);
  SCOPED_TRACE("eval");
  check_gradients(module, graph, random);
}

INSTANTIATE_TEST_SUITE_P(Ops,
                         Gradients,
                         ::testing::ValuesIn(gradient_cases()),
                         [](const auto& item) { return item.param.name; });

TEST(GradientCases, CoverEveryOp) {
  std::set<std::string> covered;
  for (const GradientCase& c : gradient_cases()) {
    const Graph graph = case_graph(c);
    for (const Node& node : graph.nodes()) covered.insert(node.op);
  }
  for (const OpDef* op : all_ops())
    EXPECT_TRUE(covered.contains(std::string(op->name))) << op->name;
}

}  // namespace
}  // namespace morph
