#include "expect_error.h"
#include "model_builder.h"
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/ir/text.h"
#include "morph/onnx/export.h"
#include "morph/onnx/import.h"

namespace morph::onnx {
namespace {

/// The nodes of the text form, without its head.
std::string body(const Graph& graph) {
  const std::string text = print_graph(graph);
  return text.substr(text.find('\n', text.find("network")) + 1);
}

/// An op over [N, 5, 2] with three hidden units, as PyTorch writes it, up to its states.
ModelBuilder over_steps(const std::string& op,
                        int64_t gates,
                        std::vector<AttributeProto> attributes = {}) {
  ModelBuilder builder;
  builder.input("x", {-1, 5, 2})
      .weight("w", {1, gates * 3, 2})
      .weight("r", {1, gates * 3, 3})
      .weight("b", {1, gates * 6})
      .weight("zero", {1, 1, 3}, 0)
      .ints("one", {1});
  attributes.push_back(int_attr("hidden_size", 3));
  builder.node("Transpose", "x", "t", {ints_attr("perm", {1, 0, 2})})
      .node(op, "t w r b - zero", "s", std::move(attributes));
  return builder;
}

std::string refusal(ModelBuilder builder) {
  builder.output("s");
  try {
    import_model(builder.build());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The ops of a graph, without those that do nothing.
std::vector<std::string> working_ops(const Graph& graph) {
  std::vector<std::string> ops;
  for (const Node& node : graph.nodes()) {
    if (node.op != "Identity") ops.push_back(node.op);
  }
  return ops;
}

TEST(RecurrentImport, TransposesMoveTheBatchByName) {
  ModelBuilder builder = over_steps("LSTM", 4);
  builder.node("Squeeze", "s one", "q")
      .node("Transpose", "q", "y", {ints_attr("perm", {1, 0, 2})})
      .output("y");
  EXPECT_EQ(
      body(import_model(builder.build()).graph),
      "x = Input() shape=[1, 5, 2] -> [1, 5, 2]\n"
      "t_node = Identity(x) -> [1, 5, 2]\n"
      "s_node = LSTM(t_node; bias=[1, 24] @ b, recurrence=[1, 12, 3] @ r, weight=[1, 12, 2] @ w)"
      " -> [1, 5, 1, 3]\n"
      "q_node = Squeeze(s_node) axes=2 -> [1, 5, 3]\n"
      "y_node = Identity(q_node) -> [1, 5, 3]\n"
      "y = Identity(y_node) -> [1, 5, 3]\n"
      "return y\n");
}

TEST(RecurrentImport, BothDirectionsAreJoinedByAReshape) {
  ModelBuilder builder;
  builder.input("x", {-1, 5, 2}).weight("w", {2, 9, 2}).weight("r", {2, 9, 3});
  builder.ints("target", {5, 1, 6});
  builder.node("Transpose", "x", "t", {ints_attr("perm", {1, 0, 2})})
      .node("GRU",
            "t w r",
            "s",
            {int_attr("linear_before_reset", 1), text_attr("direction", "bidirectional")})
      .node("Transpose", "s", "u", {ints_attr("perm", {0, 2, 1, 3})})
      .node("Reshape", "u target", "v")
      .node("Transpose", "v", "y", {ints_attr("perm", {1, 0, 2})})
      .output("y");
  EXPECT_EQ(body(import_model(builder.build()).graph),
            "x = Input() shape=[1, 5, 2] -> [1, 5, 2]\n"
            "t_node = Identity(x) -> [1, 5, 2]\n"
            "s_node = GRU(t_node; recurrence=[2, 9, 3] @ r, weight=[2, 9, 2] @ w)"
            " direction=\"bidirectional\" -> [1, 5, 2, 3]\n"
            "u_node = Identity(s_node) -> [1, 5, 2, 3]\n"
            "v_node = Reshape(u_node) shape=[0, 5, 6] -> [1, 5, 6]\n"
            "y_node = Identity(v_node) -> [1, 5, 6]\n"
            "y = Identity(y_node) -> [1, 5, 6]\n"
            "return y\n");
}

TEST(RecurrentImport, LayoutOneHasTheBatchInFront) {
  ModelBuilder builder;
  builder.input("x", {-1, 5, 2}).weight("w", {1, 3, 2}).weight("r", {1, 3, 3});
  AttributeProto activations{.name = "activations", .type = AttributeProto::Type::kStrings};
  activations.strings = {"Relu"};
  builder.node("RNN", "x w r", "y", {int_attr("layout", 1), activations}).output("y");
  const Graph graph = import_model(builder.build()).graph;
  EXPECT_EQ(print_graph(graph).substr(print_graph(graph).find("y_node")),
            "y_node = RNN(x; recurrence=[1, 3, 3] @ r, weight=[1, 3, 2] @ w)"
            " activations=\"Relu\" -> [1, 5, 1, 3]\n"
            "y = Identity(y_node) -> [1, 5, 1, 3]\nreturn y\n");
}

TEST(RecurrentImport, IsWrittenWithItsTransposes) {
  ModelBuilder builder = over_steps("GRU", 3, {int_attr("linear_before_reset", 1)});
  builder.node("Squeeze", "s one", "q")
      .node("Transpose", "q", "y", {ints_attr("perm", {1, 0, 2})})
      .output("y");
  const Imported network = import_model(builder.build());
  const Model written = export_model(network.graph, network.weights);
  std::vector<std::string> ops;
  for (const NodeProto& node : written.graph.nodes) ops.push_back(node.op_type);
  EXPECT_EQ(ops,
            (std::vector<std::string>{
                "Identity", "Transpose", "GRU", "Transpose", "Squeeze", "Identity"}));
  const NodeProto& gru = written.graph.nodes.at(2);
  EXPECT_EQ(gru.find("linear_before_reset")->ints, Ints{1});
  EXPECT_EQ(gru.find("hidden_size")->ints, Ints{3});
  // Its Transposes are read as nodes that do nothing.
  const Imported again = import_model(parse_model(serialize_model(written)));
  EXPECT_EQ(again.weights.size(), network.weights.size());
  EXPECT_EQ(working_ops(again.graph), working_ops(network.graph));
}

TEST(RecurrentImport, RefusesWhatItDoesNotHave) {
  EXPECT_NE(refusal(over_steps("GRU", 3)).find("only linear_before_reset = 1"), std::string::npos);
  EXPECT_NE(refusal(over_steps("LSTM", 4, {float_attr("clip", 1)})).find("'clip'"),
            std::string::npos);
  EXPECT_NE(refusal(over_steps("LSTM", 4, {int_attr("input_forget", 1)})).find("input_forget"),
            std::string::npos);
  EXPECT_NE(refusal(over_steps("LSTM", 4))
                .find("the output 's' does not have the batch as its first axis"),
            std::string::npos);
  AttributeProto sine{.name = "activations", .type = AttributeProto::Type::kStrings};
  sine.strings = {"Sin"};
  EXPECT_NE(refusal(over_steps("RNN", 1, {sine})).find("activation 'Sin'"), std::string::npos);
  ModelBuilder started = over_steps("RNN", 1);
  started.weight("begin", {1, 1, 3}, 0.5);
  started.model().graph.nodes[1].inputs[5] = "begin";
  EXPECT_NE(refusal(std::move(started)).find("begins with a state that is not zero"),
            std::string::npos);
  ModelBuilder untransposed = over_steps("RNN", 1);
  untransposed.model().graph.nodes[1].inputs[0] = "x";
  EXPECT_NE(refusal(std::move(untransposed)).find("export with batch_first=True"),
            std::string::npos);
}

}  // namespace
}  // namespace morph::onnx
