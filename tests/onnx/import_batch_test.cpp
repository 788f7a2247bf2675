#include "expect_error.h"
#include "model_builder.h"
#include <gtest/gtest.h>

#include "morph/ir/text.h"
#include "morph/onnx/import.h"

namespace morph::onnx {
namespace {

/// The nodes of the text form, without inputs and what is returned.
std::string nodes(ModelBuilder& builder) {
  const std::string text = print_graph(import_model(builder.build()).graph);
  const size_t begin = text.find('\n', text.find(" = Input")) + 1;
  return text.substr(begin, text.find("y = Identity") - begin);
}

TEST(ImportBatch, IsFirstWhereverAttentionPutsIt) {
  ModelBuilder builder;
  builder.input("x", {-1, 6, 12}).ints("packed", {0, 6, 3, 4}).scalar("one", 1);
  builder.node("Reshape", "x packed", "qkv")
      .node("Transpose", "qkv", "moved", {ints_attr("perm", {2, 0, 1, 3})})
      .node("Gather", "moved one", "k", {int_attr("axis", 0)})
      .node("Softmax", "k", "y", {int_attr("axis", 1)})
      .output("y");
  EXPECT_EQ(nodes(builder),
            "qkv_node = Reshape(x) shape=[0, 6, 3, 4] -> [1, 6, 3, 4]\n"
            "moved_node = Transpose(qkv_node) perm=[0, 2, 1, 3] -> [1, 3, 6, 4]\n"
            "k_node = Gather(moved_node) axis=1 indices=1 indices_shape=[] -> [1, 6, 4]\n"
            "y_node = Softmax(k_node) axis=1 -> [1, 6, 4]\n");
}

TEST(ImportBatch, MayBeTheSecondAxis) {
  // [N, T, C] as [T, N, C], as nn.MultiheadAttention has it; the bias has the file's rank.
  ModelBuilder builder;
  builder.input("x", {-1, 6, 4}).weight("w", {4, 5}).weight("b", {5});
  builder.node("Transpose", "x", "t", {ints_attr("perm", {1, 0, 2})})
      .node("MatMul", "t w", "p")
      .node("Add", "p b", "s")
      .node("LayerNormalization", "s b b", "n", {int_attr("axis", 2)})
      .node("ReduceMean", "n", "m", {ints_attr("axes", {0}), int_attr("keepdims", 0)})
      .node("Relu", "m", "y")
      .output("y");
  EXPECT_EQ(nodes(builder),
            "t_node = Identity(x) -> [1, 6, 4]\n"
            "p_node = MatMul(t_node; weight=[4, 5] @ w) -> [1, 6, 5]\n"
            "b = Parameter(; value=[1, 1, 5] @ b) -> [1, 1, 5]\n"
            "s_node = Add(p_node, b) -> [1, 6, 5]\n"
            "n_node = LayerNormalization(s_node; bias=[5], weight=[5]) -> [1, 6, 5]\n"
            "m_node = ReduceMean(n_node) axes=1 keepdims=0 -> [1, 5]\n"
            "y_node = Relu(m_node) -> [1, 5]\n");
}

/// x as [N · 6, 4], by what a Shape says of the batch.
void add_rows(ModelBuilder& builder) {
  builder.input("x", {-1, 6, 4}).scalar("zero", 0).scalar("six", 6).ints("first", {0});
  builder.ints("four", {4})
      .node("Shape", "x", "shape")
      .node("Gather", "shape zero", "batch")
      .node("Mul", "batch six", "count")
      .node("Unsqueeze", "count first", "counts")
      .node("Concat", "counts four", "target", {int_attr("axis", 0)})
      .node("Reshape", "x target", "rows");
}

TEST(ImportBatch, MayLieTogetherWithRows) {
  ModelBuilder builder;
  add_rows(builder);
  builder.weight("w", {5, 4}).weight("b", {5}).ints("back", {-1, 6, 5});
  builder.node("Gemm", "rows w b", "g", {int_attr("transB", 1)})
      .node("Reshape", "g back", "y")
      .output("y");
  EXPECT_EQ(nodes(builder),
            "rows_node = Reshape(x) shape=[0, 6, 4] -> [1, 6, 4]\n"
            "g_node.product = MatMul(rows_node; weight=[4, 5] @ w) -> [1, 6, 5]\n"
            "b = Parameter(; value=[1, 1, 5] @ b) -> [1, 1, 5]\n"
            "g_node = Add(g_node.product, b) -> [1, 6, 5]\n"
            "y_node = Reshape(g_node) shape=[0, 6, 5] -> [1, 6, 5]\n");
}

TEST(ImportBatch, RowsAreNormalisedByChannel) {
  ModelBuilder builder;
  add_rows(builder);
  for (const char* slot : {"s", "b", "m", "v"}) builder.weight(slot, {4});
  builder.ints("back", {-1, 24})
      .node("BatchNormalization", "rows s b m v", "n")
      .node("Reshape", "n back", "y")
      .output("y");
  EXPECT_EQ(nodes(builder),
            "rows_node = Reshape(x) shape=[0, 6, 4] -> [1, 6, 4]\n"
            "n_node.channels_first = Transpose(rows_node) perm=[0, 2, 1] -> [1, 4, 6]\n"
            "n_node = BatchNormalization(n_node.channels_first; bias=[4] @ b, running_mean=[4] @ "
            "m, running_var=[4] @ v, weight=[4] @ s) -> [1, 4, 6]\n"
            "n_node.channels_back = Transpose(n_node) perm=[0, 2, 1] -> [1, 6, 4]\n"
            "y_node = Reshape(n_node.channels_back) shape=[0, 24] -> [1, 24]\n");
}

TEST(ImportBatch, ItsSizeIsNothingToComputeWith) {
  ModelBuilder builder;
  builder.input("x", {-1, 4}).scalar("zero", 0).node("Shape", "x", "shape");
  builder.node("Gather", "shape zero", "batch")
      .node("CastLike", "batch x", "number")
      .node("Div", "x number", "y")
      .output("y");
  EXPECT_ERROR(import_model(builder.build()),
               "[y_node: Div] computes with 'number', which depends on the size of the batch");
}

TEST(ImportBatch, IsNoAxisToWorkAlong) {
  const auto refuse = [](const std::string& op, std::vector<AttributeProto> attributes) {
    ModelBuilder builder;
    builder.input("x", {-1, 6, 4}).weight("w", {4, 6, 1});
    builder.node("Transpose", "x", "t", {ints_attr("perm", {1, 0, 2})})
        .node(op, op == "Conv" ? "t w" : "t", "y", std::move(attributes))
        .output("y");
    import_model(builder.build());
  };
  EXPECT_ERROR(refuse("Softmax", {int_attr("axis", 1)}),
               "works along axis 1, where the batch lies");
  EXPECT_ERROR(refuse("Conv", {}), "[y_node: Conv] reads a value with the batch along axis 1");
  EXPECT_ERROR(refuse("Relu", {}), "'y' does not have the batch as its first axis");
}

TEST(ImportBatch, ConstantsForEveryExampleAreForOne) {
  // A mask [N, 1, 6], made by an Expand, beside scores [N, 6, 6].
  ModelBuilder builder;
  builder.input("x", {-1, 6, 6}).weight("m", {1, 1, 6}).ints("rest", {1, 6});
  builder.ints("zero", {0})
      .node("Shape", "x", "shape")
      .node("Gather", "shape zero", "batch")
      .node("Concat", "batch rest", "target", {int_attr("axis", 0)})
      .node("Expand", "m target", "mask")
      .node("Add", "x mask", "y")
      .output("y");
  EXPECT_EQ(nodes(builder),
            "y_node.operand1 = Constant(; value=[1, 1, 6]) -> [1, 1, 6]\n"
            "y_node = Add(x, y_node.operand1) -> [1, 6, 6]\n");
}

}  // namespace
}  // namespace morph::onnx
