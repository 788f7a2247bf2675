#include "morph/onnx/import.h"

#include "expect_error.h"
#include "model_builder.h"
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/ir/text.h"

namespace morph::onnx {
namespace {

/// The nodes of the text form, without its head.
std::string body(const Graph& graph) {
  const std::string text = print_graph(graph);
  return text.substr(text.find('\n', text.find("network")) + 1);
}

std::string imported(Model model, const ImportOptions& options = {}) {
  return body(import_model(std::move(model), options).graph);
}

TEST(Import, AConvolutionalNetworkKeepsItsNames) {
  ModelBuilder builder;
  builder.input("image", {-1, 3, 8, 8}).weight("conv.weight", {4, 3, 3, 3});
  for (const char* slot : {"weight", "bias", "mean", "var"}) {
    builder.weight(std::string("bn.") + slot, {4});
  }
  builder.weight("fc.weight", {2, 4}).weight("fc.bias", {2});
  builder
      .node("Conv",
            "image conv.weight",
            "c",
            {ints_attr("pads", {1, 1, 1, 1}),
             ints_attr("strides", {1, 1}),
             ints_attr("kernel_shape", {3, 3})})
      .node("BatchNormalization",
            "c bn.weight bn.bias bn.mean bn.var",
            "b",
            {float_attr("epsilon", 1e-3F), float_attr("momentum", 0.9F)})
      .node("Relu", "b", "r")
      .node("GlobalAveragePool", "r", "p")
      .node("Flatten", "p", "f", {int_attr("axis", 1)})
      .node("Gemm", "f fc.weight fc.bias", "logits", {int_attr("transB", 1)})
      .output("logits");
  EXPECT_EQ(imported(builder.build()),
            "image = Input() shape=[1, 3, 8, 8] -> [1, 3, 8, 8]\n"
            "c_node = Conv(image; weight=[4, 3, 3, 3] @ conv.weight) pads=[1, 1, 1, 1]"
            " -> [1, 4, 8, 8]\n"
            "b_node = BatchNormalization(c_node; bias=[4] @ bn.bias, running_mean=[4] @ bn.mean,"
            " running_var=[4] @ bn.var, weight=[4] @ bn.weight) epsilon=0.001 -> [1, 4, 8, 8]\n"
            "r_node = Relu(b_node) -> [1, 4, 8, 8]\n"
            "p_node = GlobalAveragePool(r_node) -> [1, 4, 1, 1]\n"
            "f_node = Flatten(p_node) -> [1, 4]\n"
            "logits_node = Gemm(f_node; bias=[2] @ fc.bias, weight=[2, 4] @ fc.weight) -> [1, 2]\n"
            "logits = Identity(logits_node) -> [1, 2]\n"
            "return logits\n");
}

TEST(Import, ShapeArithmeticBecomesWhatItMeans) {
  ModelBuilder builder;
  builder.input("x", {1, 4, 2, 2}).scalar("zero", 0).ints("minus", {-1}).ints("first", {0});
  builder.node("Shape", "x", "shape")
      .node("Gather", "shape zero", "batch", {int_attr("axis", 0)})
      .node("Unsqueeze", "batch first", "batch1")
      .node("Concat", "batch1 minus", "target", {int_attr("axis", 0)})
      .node("Reshape", "x target", "y")
      .output("y");
  EXPECT_EQ(imported(builder.build()),
            "x = Input() shape=[1, 4, 2, 2] -> [1, 4, 2, 2]\n"
            "y_node = Reshape(x) shape=[0, -1] -> [1, 16]\n"
            "y = Identity(y_node) -> [1, 16]\n"
            "return y\n");
}

TEST(Import, TheBatchThatWasTracedIsAnyBatch) {
  ModelBuilder builder;
  builder.input("x", {8, 4, 2, 2}).ints("target", {8, 16});
  builder.node("Reshape", "x target", "y").output("y");
  EXPECT_EQ(imported(builder.build()),
            "x = Input() shape=[1, 4, 2, 2] -> [1, 4, 2, 2]\n"
            "y_node = Reshape(x) shape=[0, 16] -> [1, 16]\n"
            "y = Identity(y_node) -> [1, 16]\n"
            "return y\n");
}

TEST(Import, ABiasMadeOfShapeArithmeticIsNone) {
  // As PyTorch's exporter writes it for every convolution without bias.
  ModelBuilder builder(20);
  builder.input("x", {1, 3, 4, 4}).weight("w", {5, 3, 1, 1}).weight("zero", {1}, 0);
  builder.node("Shape", "w", "n", {int_attr("start", 0), int_attr("end", 1)})
      .node("CastLike", "zero x", "typed")
      .node("Expand", "typed n", "bias")
      .node("Conv", "x w bias", "y")
      .output("y");
  EXPECT_EQ(imported(builder.build()),
            "x = Input() shape=[1, 3, 4, 4] -> [1, 3, 4, 4]\n"
            "y_node = Conv(x; weight=[5, 3, 1, 1] @ w) -> [1, 5, 4, 4]\n"
            "y = Identity(y_node) -> [1, 5, 4, 4]\n"
            "return y\n");
}

TEST(Import, SplitsBecomeSlicesAlsoThroughSequences) {
  const std::string expected = "x = Input() shape=[1, 6, 2, 2] -> [1, 6, 2, 2]\n";
  ModelBuilder direct;
  direct.input("x", {1, 6, 2, 2}).ints("parts", {2, 4});
  direct.node("Split", "x parts", "a b", {int_attr("axis", 1)}).node("Relu", "b", "y").output("y");
  EXPECT_EQ(imported(direct.build()),
            expected +
                "a = Slice(x) axes=1 ends=2 starts=0 -> [1, 2, 2, 2]\n"
                "b = Slice(x) axes=1 ends=6 starts=2 -> [1, 4, 2, 2]\n"
                "y_node = Relu(b) -> [1, 4, 2, 2]\n"
                "y = Identity(y_node) -> [1, 4, 2, 2]\n"
                "return y\n");
  ModelBuilder sequence;
  sequence.input("x", {1, 6, 2, 2}).scalar("parts", 3).scalar("place", -1);
  sequence.node("SplitToSequence", "x parts", "s", {int_attr("axis", 1)})
      .node("SequenceAt", "s place", "b")
      .node("Relu", "b", "y")
      .output("y");
  EXPECT_EQ(imported(sequence.build()),
            expected +
                "s.0 = Slice(x) axes=1 ends=3 starts=0 -> [1, 3, 2, 2]\n"
                "s.1 = Slice(x) axes=1 ends=6 starts=3 -> [1, 3, 2, 2]\n"
                "y_node = Relu(s.1) -> [1, 3, 2, 2]\n"
                "y = Identity(y_node) -> [1, 3, 2, 2]\n"
                "return y\n");
}

TEST(Import, OldAndNewFormsOfAnOpAreOne) {
  const auto clip = [](bool is_old) {
    ModelBuilder builder(is_old ? 9 : 13);
    builder.input("x", {1, 2}).weight("low", {}, 0).weight("high", {}, 6);
    if (is_old) {
      builder.node("Clip", "x", "y", {float_attr("min", 0), float_attr("max", 6)});
    } else {
      builder.node("Clip", "x low high", "y");
    }
    return imported(builder.output("y").build());
  };
  EXPECT_EQ(clip(true), clip(false));
  const auto pad = [](int64_t opset) {
    ModelBuilder builder(opset);
    builder.input("x", {1, 2, 3, 3})
        .ints("all", {0, 0, 1, 2, 0, 0, 1, 2})
        .ints("some", {1, 2, 1, 2});
    builder.ints("axes", {2, 3});
    if (opset < 11) builder.node("Pad", "x", "y", {ints_attr("pads", {0, 0, 1, 2, 0, 0, 1, 2})});
    if (opset == 13) builder.node("Pad", "x all", "y");
    if (opset == 18) builder.node("Pad", "x some - axes", "y");
    return imported(builder.output("y").build());
  };
  EXPECT_EQ(pad(9), pad(13));
  EXPECT_EQ(pad(13), pad(18));
}

TEST(Import, LocalFunctionsAreInlined) {
  ModelBuilder builder;
  builder.input("x", {1, 2}).output("y");
  NodeProto leaky{.op_type = "LeakyRelu", .inputs = {"a"}, .outputs = {"b"}};
  leaky.attributes = {
      {.name = "alpha", .type = AttributeProto::Type::kOther, .reference = "slope"}};
  NodeProto relu{.name = "last", .op_type = "Relu", .inputs = {"b"}, .outputs = {"c"}};
  builder.model().functions = {{.name = "Bent",
                                .domain = "mine",
                                .inputs = {"a"},
                                .outputs = {"c"},
                                .nodes = {leaky, relu},
                                .opsets = {{"", 17}}}};
  builder.node("Bent", "x", "y", {float_attr("slope", 0.25F)});
  builder.model().graph.nodes[0].domain = "mine";
  EXPECT_EQ(imported(builder.build()),
            "x = Input() shape=[1, 2] -> [1, 2]\n"
            "y_node/b = LeakyRelu(x) alpha=0.25 -> [1, 2]\n"
            "y_node/last = Relu(y_node/b) -> [1, 2]\n"
            "y = Identity(y_node/last) -> [1, 2]\n"
            "return y\n");
}

TEST(Import, FunctionsInACircleAreRefused) {
  ModelBuilder builder;
  builder.input("x", {1, 2}).output("y").node("F", "x", "y");
  NodeProto inner{.op_type = "F", .domain = "mine", .inputs = {"a"}, .outputs = {"c"}};
  builder.model().functions = {{.name = "F",
                                .domain = "mine",
                                .inputs = {"a"},
                                .outputs = {"c"},
                                .nodes = {inner},
                                .opsets = {{"", 17}}}};
  builder.model().graph.nodes[0].domain = "mine";
  EXPECT_ERROR(import_model(builder.build()), "nested too deep, or in a circle");
}

TEST(Import, FunctionsThatMultiplyAreRefused) {
  ModelBuilder builder;
  builder.input("x", {1, 2}).output("y").node("F0", "x", "y");
  builder.model().graph.nodes[0].domain = "mine";
  for (int i = 0; i < 30; ++i) {
    FunctionProto function{
        .name = cat("F", i), .domain = "mine", .inputs = {"a"}, .outputs = {"c"}};
    const std::string next = cat("F", i + 1);
    function.nodes = {{.op_type = next, .domain = "mine", .inputs = {"a"}, .outputs = {"b"}},
                      {.op_type = next, .domain = "mine", .inputs = {"b"}, .outputs = {"c"}}};
    function.opsets[""] = 17;
    builder.model().functions.push_back(function);
  }
  FunctionProto last{.name = "F30", .domain = "mine", .inputs = {"a"}, .outputs = {"c"}};
  last.nodes = {{.op_type = "Size", .inputs = {"a"}, .outputs = {"c"}}};
  last.opsets[""] = 17;
  builder.model().functions.push_back(last);
  EXPECT_ERROR(import_model(builder.build()), "is behind the first 131072 nodes");
}

/// Two BatchNormalizations whose scales and variances an exporter has merged.
ModelBuilder merged() {
  ModelBuilder builder;
  builder.input("x", {1, 2, 4, 4}).weight("ones", {2}, 1).weight("zeros", {2}, 0);
  builder.node("BatchNormalization", "x ones zeros zeros ones", "a")
      .node("BatchNormalization", "a ones zeros zeros ones", "y")
      .output("y");
  return builder;
}

TEST(Import, MergedInitializersAreUntied) {
  const Imported network = import_model(merged().build());
  const Graph& graph = network.graph;
  std::set<std::string> tensors;
  for (const char* name : {"a_node", "y_node"}) {
    for (const auto& [slot, param] : graph[*graph.find(name)].params) tensors.insert(param.tensor);
  }
  EXPECT_EQ(tensors.size(), 8U);
  EXPECT_EQ(tensors.count("ones"), 1U);
  EXPECT_EQ(network.weights.size(), 8U);
  ASSERT_EQ(network.notes.size(), 1U);
  EXPECT_EQ(network.notes[0].substr(0, 2), "6 ");
}

TEST(Import, MergedInitializersStayTiedOnRequest) {
  const Imported network = import_model(merged().build(), {.ties = Ties::kKeep});
  EXPECT_EQ(network.weights.size(), 2U);
}

TEST(Import, OneModuleUsedTwiceStaysOne) {
  ModelBuilder builder;
  builder.input("x", {1, 2, 4, 4}).input("z", {1, 2, 4, 4});
  builder.weight("w", {2, 2, 1, 1}).weight("b", {2}, 0).weight("ones", {2}, 1);
  for (const std::string& side : {std::string("x"), std::string("z")}) {
    builder.node("Conv", side + " w b", side + "c")
        .node("Relu", side + "c", side + "r")
        .node("BatchNormalization", side + "r ones b b ones", side + "n");
  }
  builder.node("Add", "xn zn", "y").output("y");
  const Imported network = import_model(builder.build());
  const Graph& graph = network.graph;
  EXPECT_EQ(graph[*graph.find("xc_node")].params, graph[*graph.find("zc_node")].params);
  EXPECT_EQ(graph[*graph.find("xn_node")].params, graph[*graph.find("zn_node")].params);
  // Bias, shift and mean were one tensor, as were scale and variance.
  EXPECT_EQ(network.weights.size(), 6U);
}

TEST(Import, WeightsMayBeComputed) {
  ModelBuilder builder;
  builder.input("x", {1, 2, 4, 4}).weight("w", {3, 2}).ints("shape", {3, 2, 1, 1});
  builder.node("Identity", "w", "alias")
      .node("Reshape", "alias shape", "kernel")
      .node("Conv", "x kernel", "y")
      .output("y");
  const Imported network = import_model(builder.build());
  EXPECT_EQ(network.weights.count("y_node.weight"), 1U);
  ASSERT_EQ(network.notes.size(), 1U);
  EXPECT_EQ(network.notes[0],
            "1 weights that the file computes from others are weights of their own");
}

TEST(Import, ConstantsMeetValuesAsNodes) {
  ModelBuilder builder;
  builder.input("x", {1, 2, 4, 4}).weight("scale", {2, 1, 1}).weight("six", {}, 6);
  builder.node("Mul", "x scale", "m").node("Div", "m six", "y").output("y");
  EXPECT_EQ(imported(builder.build()),
            "x = Input() shape=[1, 2, 4, 4] -> [1, 2, 4, 4]\n"
            "scale = Parameter(; value=[1, 2, 1, 1] @ scale) -> [1, 2, 1, 1]\n"
            "m_node = Mul(x, scale) -> [1, 2, 4, 4]\n"
            "six = Constant(; value=[1, 1, 1, 1] @ six) initial=6.0 -> [1, 1, 1, 1]\n"
            "y_node = Div(m_node, six) -> [1, 2, 4, 4]\n"
            "y = Identity(y_node) -> [1, 2, 4, 4]\n"
            "return y\n");
}

TEST(Import, AClassTokenIsOneForEveryExample) {
  // As exporters write it: the token spread over the batch, then put before the patches.
  for (const int64_t batch : {1, 4}) {
    ModelBuilder builder;
    builder.input("x", {batch, 5, 3}).weight("token", {1, 1, 3}).ints("shape", {batch, 1, 3});
    builder.node("Expand", "token shape", "tokens")
        .node("Concat", "tokens x", "y", {int_attr("axis", 1)})
        .output("y");
    const Imported network = import_model(builder.build());
    const Node& concat = network.graph[*network.graph.find("y_node")];
    EXPECT_EQ(concat.shape, (Shape{1, 6, 3}));
    EXPECT_EQ(network.graph[concat.inputs[0]].shape, (Shape{1, 1, 3}));
    EXPECT_EQ(network.graph[concat.inputs[0]].op, batch == 1 ? "Parameter" : "Constant");
  }
}

TEST(Import, WhatCannotBeReadIsNamed) {
  const auto error = [](const char* op, const char* inputs, const char* message) {
    ModelBuilder builder;
    builder.input("x", {1, 2, 4, 4}).weight("w", {3, 2, 1, 1});
    builder.node(op, inputs, "y").output("y");
    EXPECT_ERROR(import_model(builder.build()), message);
  };
  error("NonMaxSuppression", "x", "[y_node: NonMaxSuppression] this op is not supported");
  error("Conv", "x missing", "[y_node: Conv] reads 'missing', which nothing before it makes");
  error("Tile", "x", "[y_node: Tile] lacks its repeats");
  error("Conv", "x", "[y_node: Conv] lacks its input 2");
  error("Conv", "x x", "[y_node: Conv] input 'x' must be a constant");
  error("Relu", "y", "[y_node: Relu] reads 'y', which nothing before it makes");
  ModelBuilder circle;
  circle.input("x", {1, 2}).node("Add", "x b", "a").node("Relu", "a", "b").output("b");
  EXPECT_ERROR(import_model(circle.build()), "reads 'b', which nothing before it makes");
  ModelBuilder ranks;
  ranks.input("x", {1, 2, 4, 4}).weight("w", {2, 2, 3}).node("Conv", "x w", "y").output("y");
  EXPECT_ERROR(import_model(ranks.build()), "[y_node: Conv] input 'x' has rank 4 and meets one of");
  ModelBuilder typed;
  typed.input("x", {1, 2}).ints("w", {1, 2}).node("PRelu", "x w", "y").output("y");
  EXPECT_ERROR(import_model(typed.build()), "[y_node: PRelu] its slope is of int64");
  ModelBuilder examples;
  examples.input("x", {4, 2}).ints("zero", {0}).ints("two", {2});
  examples.node("Slice", "x zero two", "y").output("y");
  EXPECT_ERROR(import_model(examples.build()), "takes some examples of a batch");
  ModelBuilder old(5);
  EXPECT_ERROR(import_model(old.build()), "the file is of opset 5; opsets 7 to");
  ModelBuilder oldest;
  oldest.model().ir_version = 1;
  oldest.model().opsets.clear();
  EXPECT_ERROR(import_model(oldest.build()), "versions before 3 are not read");
  ModelBuilder open;
  open.input("x", {-1, 3, -1, -1}).node("Relu", "x", "y").output("y");
  EXPECT_ERROR(import_model(open.build()), "input 'x' leaves its axis 2 open");
  ModelBuilder twice;
  twice.input("x", {1, 2}).node("Relu", "x", "y").node("Tanh", "x", "y").output("y");
  EXPECT_ERROR(import_model(twice.build()), "two nodes make the value 'y'");
}

TEST(Import, ComputedConstantsAreLimited) {
  ModelBuilder builder;
  builder.input("x", {1, 2}).ints("shape", {1 << 20, 1 << 20});
  builder.node("ConstantOfShape", "shape", "c").node("Add", "x c", "y").output("y");
  EXPECT_ERROR(import_model(builder.build()),
               "constants that this file computes would be too large");
}

TEST(Import, AnOpenSizeMayBeGiven) {
  ModelBuilder builder;
  builder.input("x", {-1, 3, -1, -1}).node("Relu", "x", "y").output("y");
  const Imported network = import_model(builder.build(), {.input = {3, 16, 8}});
  EXPECT_EQ(network.graph[NodeId{0}].shape, (Shape{1, 3, 16, 8}));
}

}  // namespace
}  // namespace morph::onnx
