#include "expect_error.h"
#include "model_builder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/ir/text.h"
#include "morph/onnx/import.h"

namespace morph::onnx {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

std::string nodes(ModelBuilder& builder) {
  const std::string text = print_graph(import_model(builder.build()).graph);
  const size_t begin = text.find('\n', text.find(" = Input")) + 1;
  return text.substr(begin, text.find("y = Identity") - begin);
}

TEST(ImportForms, AnEinsumOfTwoMatricesIsAProduct) {
  ModelBuilder builder;
  builder.input("q", {-1, 2, 6, 4});
  builder.node("Einsum", "q q", "s", {text_attr("equation", "b h i d, b h j d -> b h i j")})
      .node("Einsum", "s q", "y", {text_attr("equation", "bhij,bhjd->bhid")})
      .output("y");
  EXPECT_EQ(nodes(builder),
            "s_node.right = Transpose(q) perm=[0, 1, 3, 2] -> [1, 2, 4, 6]\n"
            "s_node = MatMul(q, s_node.right) -> [1, 2, 6, 6]\n"
            "y_node = MatMul(s_node, q) -> [1, 2, 6, 4]\n");
}

TEST(ImportForms, OtherEinsumsAreRefused) {
  const auto refuse = [](const std::string& equation) {
    ModelBuilder builder;
    builder.input("x", {-1, 4, 4});
    builder.node("Einsum", "x x", "y", {text_attr("equation", equation)}).output("y");
    import_model(builder.build());
  };
  EXPECT_ERROR(refuse("bij,bjk->bki"), "no product of matrices");
  EXPECT_ERROR(refuse("bij,cjk->bik"), "no product of matrices");
  EXPECT_ERROR(refuse("bij,bjk"), "two operands and a stated output");
}

TEST(ImportForms, AConstantMaskIsAProduct) {
  ModelBuilder builder;
  builder.input("x", {-1, 3}).ints("numbers", {0, 1, 1}).weight("fill", {1}, -5.0);
  builder.node("Cast", "numbers", "mask", {int_attr("to", 9)})
      .node("Where", "mask fill x", "y")
      .output("y");
  Imported network = import_model(builder.build());
  EXPECT_THAT(to_doubles(network.weights.at("y_node.operand1.value")), ElementsAre(1, 0, 0));
  EXPECT_THAT(to_doubles(network.weights.at("y_node.operand0.value")), ElementsAre(0, -5, -5));
}

TEST(ImportForms, WindowsByGatherNDAreAGather) {
  // Adaptive pooling to an uneven size takes rows of [H = 2, W = 2, N, C] at pairs of indices.
  ModelBuilder builder;
  builder.input("x", {-1, 5, 2, 2});
  builder.model().graph.initializers.push_back(
      {.name = "places", .array = builder.ints_array({3, 2}, {0, 0, 1, 0, 1, 1})});
  builder.node("Transpose", "x", "t", {ints_attr("perm", {2, 3, 0, 1})})
      .node("GatherND", "t places", "g")
      .node("Transpose", "g", "y", {ints_attr("perm", {1, 2, 0})})
      .output("y");
  EXPECT_EQ(nodes(builder),
            "t_node = Transpose(x) perm=[0, 2, 3, 1] -> [1, 2, 2, 5]\n"
            "g_node.rows = Reshape(t_node) shape=[0, 4, 5] -> [1, 4, 5]\n"
            "g_node = Gather(g_node.rows) axis=1 indices=[0, 2, 3] -> [1, 3, 5]\n"
            "y_node = Transpose(g_node) perm=[0, 2, 1] -> [1, 5, 3]\n");
}

TEST(ImportForms, AnAssignmentToASliceIsAChoice) {
  ModelBuilder builder;
  builder.input("x", {-1, 3}).input("u", {-1, 2});
  builder.model().graph.initializers.push_back(
      {.name = "rows", .array = builder.ints_array({2, 1}, {2, 0})});
  builder.node("Transpose", "x", "xt")
      .node("Transpose", "u", "ut")
      .node("ScatterND", "xt rows ut", "s")
      .node("Transpose", "s", "y")
      .output("y");
  const std::string text = nodes(builder);
  EXPECT_NE(text.find("s_node.both = Concat(xt_node, ut_node) axis=1 -> [1, 5]\n"
                      "s_node = Gather(s_node.both) axis=1 indices=[4, 1, 3] -> [1, 3]"),
            std::string::npos)
      << text;
}

TEST(ImportForms, AViewByStridesIsAGatherInEachExample) {
  // as_strided of [N, 3] flattened: element 2 − j of each example.
  ModelBuilder builder;
  builder.input("x", {-1, 3}).ints("flat", {-1}).ints("first", {0}).scalar("zero", 0);
  builder.scalar("one", 1).scalar("three", 3).ints("back", {1});
  builder.model().graph.initializers.push_back(
      {.name = "within", .array = builder.ints_array({1, 3}, {2, 1, 0})});
  builder.node("Shape", "x", "shape")
      .node("Gather", "shape zero", "batch")
      .node("Range", "zero batch one", "examples")
      .node("Mul", "examples three", "starts")
      .node("Unsqueeze", "starts back", "column")
      .node("Add", "column within", "places")
      .node("Reshape", "x flat", "all")
      .node("Gather", "all places", "y")
      .output("y");
  EXPECT_EQ(nodes(builder),
            "all_node = Reshape(x) shape=[0, 3] -> [1, 3]\n"
            "y_node = Gather(all_node) axis=1 indices=[2, 1, 0] -> [1, 3]\n");
}

TEST(ImportForms, AStandardisedWeightIsAPlainOne) {
  // Two filters of two weights, each normalised by its own mean and variance, as timm's
  // weight-standardised convolutions are exported.
  ModelBuilder builder;
  builder.input("x", {-1, 1, 2}).ints("rows", {1, 2, -1}).ints("filters", {2, 1, 2});
  builder.model().graph.initializers.push_back(
      {.name = "w", .array = builder.array({2, 1, 2}, {1, 3, 10, 6})});
  builder.weight("scale", {2}, 2.0).weight("shift", {2}, 0.5);
  builder.node("Reshape", "w rows", "flat")
      .node("BatchNormalization",
            "flat scale shift shift scale",
            "n",
            {int_attr("training_mode", 1), float_attr("epsilon", 0.0F)})
      .node("Reshape", "n filters", "weight")
      .node("Conv", "x weight", "y")
      .output("y");
  const Imported network = import_model(builder.build());
  EXPECT_THAT(to_doubles(network.weights.at("y_node.weight")),
              Pointwise(FloatNear(1e-6F), {-1.5F, 2.5F, 2.5F, -1.5F}));
}

TEST(ImportForms, ConstantsAreClippedAndMultiplied) {
  ModelBuilder builder;
  builder.input("x", {-1, 2}).scalar("low", 0).scalar("high", 2);
  builder.model().graph.initializers.push_back(
      {.name = "a", .array = builder.array({1, 1, 2}, {-3, 5})});
  builder.model().graph.initializers.push_back(
      {.name = "b", .array = builder.array({2, 2}, {1, 2, 3, 4})});
  builder.ints("flat", {1, 2})
      .node("Clip", "a low high", "c")
      .node("MatMul", "c b", "p")
      .node("Reshape", "p flat", "r")
      .node("Mul", "x r", "y")
      .output("y");
  const Imported network = import_model(builder.build());
  EXPECT_THAT(to_doubles(network.weights.at("y_node.operand1.value")), ElementsAre(6, 8));
}

TEST(ImportForms, ARepeatForEachExampleIsNone) {
  ModelBuilder builder;
  builder.input("x", {-1, 2}).ints("first", {0}).ints("one", {1}).scalar("zero", 0);
  builder.node("Shape", "x", "shape")
      .node("Gather", "shape zero", "batch")
      .node("Unsqueeze", "batch first", "batches")
      .node("Concat", "batches one", "repeats", {int_attr("axis", 0)})
      .node("Tile", "x repeats", "t")
      .node("Relu", "t", "y")
      .output("y");
  EXPECT_EQ(nodes(builder), "y_node = Relu(x) -> [1, 2]\n");
}

TEST(ImportForms, AssignmentsToConstantsAreComputed) {
  ModelBuilder builder;
  builder.input("x", {-1, 3}).weight("zeros", {3}, 0.0).weight("ones", {2}, 1.0);
  builder.model().graph.initializers.push_back(
      {.name = "rows", .array = builder.ints_array({2, 1}, {0, -1})});
  builder.node("ScatterND", "zeros rows ones", "mask").node("Mul", "x mask", "y").output("y");
  const Imported network = import_model(builder.build());
  EXPECT_THAT(to_doubles(network.weights.at("y_node.operand1.value")), ElementsAre(1, 0, 1));
}

}  // namespace
}  // namespace morph::onnx
