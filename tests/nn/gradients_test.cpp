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
      {"LogisticGate",
       "[1, 3]",
       "y = LogisticGate(x; logits=[3], noise=[3]) temperature=0.5 keep_first=0"},
      {"MaxPool",
       "[1, 2, 4, 4]",
       "y = MaxPool(x) kernel_shape=[3, 3] strides=[2, 2] pads=[1, 1, 0, 0]"},
      {"MaxPoolSymmetric", "[1, 2, 4, 4]", "y = MaxPool(x) kernel_shape=[2, 2] strides=[2, 2]"},
      {"Mul", "[1, 2, 2]", "a = Tanh(x)\ny = Mul(x, a)"},
      {"Pad", "[1, 2, 3]", "y = Pad(x) pads=[0, 1, 1, 0, 0, 2] value=2.0"},
      {"PadReflect", "[1, 2, 3]", "y = Pad(x) pads=[0, 0, 1, 0, 0, 2] mode=\"reflect\""},
      {"PadEdge", "[1, 2, 3]", "y = Pad(x) pads=[0, 0, 1, 0, 0, 2] mode=\"edge\""},
      {"GRU",
       "[1, 3, 2]",
       "y = GRU(x; weight=[1, 6, 2], recurrence=[1, 6, 2], bias=[1, 12]) direction=\"reverse\""},
      {"LSTM",
       "[1, 3, 2]",
       "y = LSTM(x; weight=[2, 8, 2], recurrence=[2, 8, 2], bias=[2, 16])"
       " direction=\"bidirectional\""},
      {"RNN", "[1, 3, 2]", "y = RNN(x; weight=[1, 2, 2], recurrence=[1, 2, 2])"},
      {"Relu", "[1, 6]", "y = Relu(x)"},
      {"Reshape", "[1, 4]", "a = Reshape(x) shape=[0, 2, 2]\ny = Softmax(a) axis=1"},
      {"Sigmoid", "[1, 3]", "y = Sigmoid(x)"},
      {"Slice", "[1, 5]", "y = Slice(x) starts=0 ends=5 axes=1 steps=2"},
      {"SliceBackwards", "[1, 5]", "y = Slice(x) starts=4 ends=0 axes=1 steps=-1"},
      {"Softmax", "[1, 4]", "y = Softmax(x)"},
      {"Tanh", "[1, 3]", "y = Tanh(x)"},
      {"Transpose", "[1, 2, 3]", "y = Transpose(x) perm=[0, 2, 1]"},
      {"Constant", "[1, 3]", "c = Constant(; value=[1, 3])\ny = Mul(x, c)"},
      {"ConvTranspose",
       "[1, 2, 3, 3]",
       "y = ConvTranspose(x; weight=[2, 3, 3, 3], bias=[3]) strides=[2, 2] pads=[1, 0, 1, 1]"},
      {"ConvTransposeGrouped",
       "[1, 4, 3]",
       "y = ConvTranspose(x; weight=[4, 2, 2]) group=2 strides=2 output_padding=1 dilations=2"},
      {"ConvTransposeDepthwise",
       "[1, 2, 2, 2, 2]",
       "y = ConvTranspose(x; weight=[2, 2, 2, 2, 2], bias=[4]) group=2"},
      {"Div", "[1, 2, 2]", "a = HardSigmoid(x) beta=1.5\ny = Div(x, a)"},
      {"MatMul", "[1, 2, 3]", "y = MatMul(x; weight=[3, 2])"},
      {"MatMulOfValues", "[1, 2, 3]", "a = Transpose(x) perm=[0, 2, 1]\ny = MatMul(x, a)"},
      {"Max", "[1, 6]", "a = Tanh(x)\nb = Clip(x) min=-0.3 max=0.3\ny = Max(a, b)"},
      {"Mean", "[1, 4]", "a = Tanh(x)\ny = Mean(x, a, a)"},
      {"Min", "[1, 6]", "a = Tanh(x)\nb = Clip(x) min=-0.3 max=0.3\ny = Min(a, b)"},
      {"Parameter", "[1, 2, 2, 2]", "p = Parameter(; value=[1, 2, 1, 1])\ny = Mul(x, p)"},
      {"ParameterBeside", "[1, 2, 2]", "p = Parameter(; value=[1, 1, 2])\ny = Concat(p, x) axis=1"},
      {"Pow", "[1, 2, 2]", "a = HardSigmoid(x) beta=1.5\ny = Pow(a, x)"},
      {"Sub", "[1, 2, 2]", "a = Tanh(x)\ny = Sub(a, x)"},
      {"Sum", "[1, 3]", "a = Tanh(x)\ny = Sum(a, x, x)"},
      {"Abs", "[1, 6]", "y = Abs(x)"},
      {"AveragePoolDilated",
       "[1, 2, 5, 5]",
       "y = AveragePool(x) kernel_shape=[2, 2] dilations=[2, 1] pads=[1, 0, 1, 0]"},
      {"Ceil", "[1, 6]", "y = Ceil(x)"},
      {"Celu", "[1, 6]", "y = Celu(x) alpha=1.5"},
      {"Cos", "[1, 3]", "y = Cos(x)"},
      {"DepthToSpace", "[1, 4, 1, 2]", "y = DepthToSpace(x) blocksize=2"},
      {"Elu", "[1, 6]", "y = Elu(x) alpha=1.5"},
      {"Erf", "[1, 3]", "y = Erf(x)"},
      {"Exp", "[1, 3]", "y = Exp(x)"},
      {"Expand", "[1, 2, 1]", "y = Expand(x) shape=[1, 2, 3]"},
      {"Floor", "[1, 6]", "y = Floor(x)"},
      {"Gather", "[1, 4, 2]", "y = Gather(x) axis=1 indices=[2, 0, 2]"},
      {"Gelu", "[1, 6]", "y = Gelu(x)"},
      {"GeluTanh", "[1, 6]", "y = Gelu(x) approximate=\"tanh\""},
      {"GlobalMaxPool", "[1, 2, 2, 3]", "y = GlobalMaxPool(x)"},
      {"GroupNormalization",
       "[1, 4, 2]",
       "y = GroupNormalization(x; weight=[4], bias=[4]) num_groups=2"},
      {"InstanceNormalization",
       "[1, 2, 2, 2]",
       "y = InstanceNormalization(x; weight=[2], bias=[2])"},
      {"LayerNormalization", "[1, 2, 4]", "y = LayerNormalization(x; weight=[4], bias=[4])"},
      {"LayerNormalizationOfMaps",
       "[1, 2, 2, 2]",
       "y = LayerNormalization(x; weight=[2, 2, 2]) axis=1"},
      {"LRN", "[1, 4, 2, 2]", "y = LRN(x) size=3 alpha=0.5"},
      {"LpNormalization", "[1, 2, 3]", "y = LpNormalization(x)"},
      {"LpNormalizationOfOne", "[1, 2, 3]", "y = LpNormalization(x) axis=1 p=1"},
      {"LogSoftmax", "[1, 2, 3]", "y = LogSoftmax(x) axis=1"},
      {"Mish", "[1, 6]", "y = Mish(x)"},
      {"Neg", "[1, 3]", "y = Neg(x)"},
      {"PRelu", "[1, 2, 3]", "y = PRelu(x; slope=[2, 1])"},
      {"ReduceL2", "[1, 2, 3]", "y = ReduceL2(x) axes=1"},
      {"ReduceMax", "[1, 2, 3]", "y = ReduceMax(x) axes=2"},
      {"ReduceMean", "[1, 2, 3, 2]", "y = ReduceMean(x) axes=[2, 3] keepdims=0"},
      {"ReduceMin", "[1, 2, 3]", "y = ReduceMin(x) axes=2 keepdims=0"},
      {"ReduceSum", "[1, 2, 3]", "y = ReduceSum(x) axes=[1, 2]"},
      {"ResizeNearest", "[1, 1, 2, 3]", "y = Resize(x) scales=[1.0, 1.0, 2.0, 0.7]"},
      {"ResizeLinear", "[1, 1, 2, 3]", "y = Resize(x) sizes=[1, 1, 5, 2] mode=\"linear\""},
      {"ResizeLinearOneAxis",
       "[1, 2, 3]",
       "y = Resize(x) sizes=[5] axes=[2] mode=\"linear\" "
       "coordinate_transformation_mode=\"asymmetric\""},
      {"ResizeCubic", "[1, 1, 3, 4]", "y = Resize(x) sizes=[1, 1, 5, 3] mode=\"cubic\""},
      {"Selu", "[1, 6]", "y = Selu(x)"},
      {"Sin", "[1, 3]", "y = Sin(x)"},
      {"Softplus", "[1, 6]", "y = Softplus(x)"},
      {"Softsign", "[1, 6]", "y = Softsign(x)"},
      {"SpaceToDepth", "[1, 1, 2, 4]", "y = SpaceToDepth(x) blocksize=2"},
      {"Squeeze", "[1, 3, 1]", "a = Squeeze(x) axes=2\ny = Softmax(a)"},
      {"Swish", "[1, 6]", "y = Swish(x) alpha=1.5"},
      {"Tile", "[1, 2, 2]", "y = Tile(x) repeats=[1, 2, 3]"},
      {"Unsqueeze", "[1, 3]", "y = Unsqueeze(x) axes=[1, 3]"},
      {"Log",
       "[1, 3]",
       "c = Constant(; value=[1, 3])\nd = Mul(c, c)\na = Exp(x)\nb = Add(a, d)\ny = Log(b)"},
      {"Reciprocal", "[1, 3]", "a = Exp(x)\ny = Reciprocal(a)"},
      {"Sqrt", "[1, 3]", "a = Exp(x)\ny = Sqrt(a)"},
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
  covered.insert("Opaque");  // Cannot be run.
  for (const OpDef* op : all_ops())
    EXPECT_TRUE(covered.contains(std::string(op->name))) << op->name;
}

}  // namespace
}  // namespace morph
