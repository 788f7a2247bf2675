#include "morph/analysis/shapes.h"

#include "expect_error.h"

#include "morph/ir/text.h"

namespace morph {
namespace {

/// A network of one input of shape [1, 3, 8, 8] and the given nodes, returning the node y.
Graph network(const std::string& nodes) {
  return parse_graph("morph 1\nnetwork tiny\nx = Input() shape=[1, 3, 8, 8]\n" + nodes +
                     "\nreturn y\n");
}

Shape shape_of(const Graph& graph, std::string_view name) {
  return graph[graph.find(name).value()].shape;
}

TEST(InferShapes, FillsEveryValue) {
  const Graph graph = infer_shapes(network(R"(
c1 = Conv(x; weight=[16, 3, 3, 3]) pads=[1, 1, 1, 1]
bn = BatchNormalization(c1; weight=[16], bias=[16], running_mean=[16], running_var=[16])
relu = Relu(bn)
dw = Conv(relu; weight=[32, 1, 3, 3], bias=[32]) group=16 strides=[2, 2]
pool = MaxPool(dw) kernel_shape=[2, 2] strides=[1, 1]
mean = GlobalAveragePool(pool)
gate = Sigmoid(mean)
gated = Mul(pool, gate)
wide = Concat(gated, pool) axis=1
half = Slice(wide) starts=[0] ends=[32] axes=[1]
sum = Add(half, pool)
flat = Flatten(sum)
y = Gemm(flat; weight=[10, 128], bias=[10])
)"));
  EXPECT_EQ(shape_of(graph, "x"), (Shape{1, 3, 8, 8}));
  EXPECT_EQ(shape_of(graph, "c1"), (Shape{1, 16, 8, 8}));
  EXPECT_EQ(shape_of(graph, "relu"), (Shape{1, 16, 8, 8}));
  EXPECT_EQ(shape_of(graph, "dw"), (Shape{1, 32, 3, 3}));
  EXPECT_EQ(shape_of(graph, "pool"), (Shape{1, 32, 2, 2}));
  EXPECT_EQ(shape_of(graph, "gate"), (Shape{1, 32, 1, 1}));
  EXPECT_EQ(shape_of(graph, "gated"), (Shape{1, 32, 2, 2}));
  EXPECT_EQ(shape_of(graph, "wide"), (Shape{1, 64, 2, 2}));
  EXPECT_EQ(shape_of(graph, "sum"), (Shape{1, 32, 2, 2}));
  EXPECT_EQ(shape_of(graph, "flat"), (Shape{1, 128}));
  EXPECT_EQ(shape_of(graph, "y"), (Shape{1, 10}));
  EXPECT_EQ(infer_shapes(graph), graph);
}

TEST(InferShapes, KeepsAllElseAsItIs) {
  const Graph before = network("y = Conv(x; weight=[4, 3, 1, 1] @ shared)");
  const Graph after = infer_shapes(before);
  EXPECT_EQ(after.name(), "tiny");
  EXPECT_EQ(after.nodes()[1].params, before.nodes()[1].params);
  EXPECT_EQ(after.nodes()[1].attrs, before.nodes()[1].attrs);
  ASSERT_EQ(after.outputs().size(), 1U);
  EXPECT_EQ(after.outputs()[0], before.outputs()[0]);
}

TEST(InferShapes, ReplacesShapesThatNoLongerHold) {
  const Graph graph = infer_shapes(network("y = Relu(x) -> [1, 5]"));
  EXPECT_EQ(shape_of(graph, "y"), (Shape{1, 3, 8, 8}));
}

TEST(InferShapes, NamesAnUnknownOp) {
  EXPECT_ERROR(infer_shapes(network("y = Rellu(x)")),
               "[y: Rellu] unknown op 'Rellu'. Did you mean 'Relu'?");
}

TEST(InferShapes, CountsInputs) {
  EXPECT_ERROR(infer_shapes(network("y = Relu(x, x)")), "[y: Relu] expected 1 input, got 2");
  EXPECT_ERROR(infer_shapes(network("y = Mul(x)")), "[y: Mul] expected 2 inputs, got 1");
  EXPECT_ERROR(infer_shapes(network("y = Add(x)")), "[y: Add] expected at least 2 inputs, got 1");
  EXPECT_ERROR(infer_shapes(network("y = Concat() axis=1")), "expected at least 1 input, got 0");
}

TEST(InferShapes, ChecksParams) {
  EXPECT_ERROR(infer_shapes(network("y = Conv(x; bias=[4])")),
               "[y: Conv] needs the param 'weight'");
  EXPECT_ERROR(infer_shapes(network("y = Conv(x; weight=[4, 3, 1, 1], biass=[4])")),
               "[y: Conv] takes no param 'biass'. Did you mean 'bias'?");
  EXPECT_ERROR(infer_shapes(network("y = Relu(x; weight=[4])")), "takes no param 'weight'.");
  EXPECT_ERROR(
      infer_shapes(network("y = BatchNormalization(x; weight=[3], bias=[3], running_mean=[3])")),
      "needs the param 'running_var'");
}

TEST(InferShapes, ChecksAttributes) {
  EXPECT_ERROR(infer_shapes(network("y = Conv(x; weight=[4, 3, 1, 1]) stride=[2, 2]")),
               "[y: Conv] knows no attribute 'stride'. Did you mean 'strides'?");
  EXPECT_ERROR(infer_shapes(network("y = Relu(x) alpha=1")), "knows no attribute 'alpha'.");
  EXPECT_ERROR(infer_shapes(network("y = Conv(x; weight=[4, 3, 1, 1]) strides=\"wide\"")),
               "attribute 'strides' must be a list of integers");
}

TEST(InferShapes, RefusesSizesOutOfBounds) {
  EXPECT_ERROR(infer_shapes(network("y = Conv(x; weight=[0, 3, 1, 1])")),
               "[y: Conv] param 'weight' of shape [0, 3, 1, 1]: every size must lie between 1 and");
  EXPECT_ERROR(infer_shapes(network("y = Pad(x) pads=[0, 2147483647, 0, 0, 0, 0, 0, 0]")),
               "[y: Pad] would make a value of shape [1, 2147483650, 8, 8]");
  EXPECT_ERROR(infer_shapes(parse_graph("morph 1\nnetwork n\ny = Input() shape=[1, 0]\nreturn y")),
               "[y: Input] would make a value of shape [1, 0]");
}

}  // namespace
}  // namespace morph
