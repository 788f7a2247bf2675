#include "morph/ops/opaque.h"

#include <algorithm>
#include <utility>

#include "expect_error.h"
#include "model_builder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/analysis/channel_groups.h"
#include "morph/analysis/shapes.h"
#include "morph/base/error.h"
#include "morph/ir/text.h"
#include "morph/onnx/export.h"
#include "morph/onnx/import.h"
#include "morph/onnx/opaque_proto.h"

namespace morph::onnx {
namespace {

using ::testing::HasSubstr;

constexpr ImportOptions kPass = {.unknown_ops = UnknownOps::kPassThrough};

/// A convolution, TopK over its positions with both outputs returned, and beside it an op of a
/// domain with a weight, read by a second convolution.
ModelBuilder detector() {
  ModelBuilder builder;
  builder.input("x", {1, 3, 4, 4}).weight("w1", {6, 3, 1, 1}).weight("w2", {2, 5, 1, 1});
  builder.weight("mix", {5, 6}).ints("k", {2});
  builder.node("Conv", "x w1", "c")
      .node("Relu", "c", "r")
      .node("TopK", "r k", "values places", {int_attr("axis", -1), int_attr("sorted", 0)})
      .node("Blend", "r - mix", "b", {float_attr("sharpness", 0.5F), text_attr("mode", "soft")})
      .node("Conv", "b w2", "y")
      .output("values")
      .output("places")
      .output("y");
  Model& model = builder.model();
  model.graph.nodes[3].domain = "com.acme";
  model.opsets["com.acme"] = 3;
  model.graph.values.push_back(ModelBuilder::value_info("b", {1, 5, 4, 4}));
  model.graph.outputs[1] = {.name = "places", .type = DataType::kInt64, .has_shape = true};
  for (const int64_t size : {1, 6, 4, 2}) {
    model.graph.outputs[1].shape.push_back({.value = size});
  }
  return builder;
}

TEST(Opaque, IsRefusedByNameUnlessAskedFor) {
  EXPECT_ERROR(import_model(detector().build()),
               "[values_node: TopK] this op is not supported; --allow-opaque passes it through");
  ModelBuilder domain;
  domain.input("x", {1, 2}).node("Gelu", "x", "y").output("y");
  domain.model().graph.nodes[0].domain = "com.microsoft";
  EXPECT_ERROR(import_model(domain.build()),
               "[y_node: com.microsoft.Gelu] is of a domain that is not known, 'com.microsoft'");
}

TEST(Opaque, KeepsItsOpAndWhatIsDeclared) {
  const Imported network = import_model(detector().build(), kPass);
  const Graph& graph = network.graph;
  const Node& values = graph[graph.find("values").value()];
  EXPECT_EQ(values.op, "Opaque");
  EXPECT_EQ(values.text("op_type", ""), "TopK");
  EXPECT_EQ(values.integer("opset", 0), 17);
  EXPECT_EQ(values.inputs, (std::vector<NodeId>{graph.find("r_node").value()}));
  const Node& places = graph[graph.find("places").value()];
  EXPECT_EQ(places.text("call", ""), "values");
  EXPECT_EQ(places.text("type", ""), "int64");
  EXPECT_EQ(places.integer("output", 0), 1);
  EXPECT_EQ(places.shape, (Shape{1, 6, 4, 2}));
  const Node& blend = graph[graph.find("b_node").value()];
  EXPECT_EQ(blend.text("domain", ""), "com.acme");
  EXPECT_EQ(blend.integer("opset", 0), 3);
  EXPECT_EQ(blend.shape, (Shape{1, 5, 4, 4}));
  EXPECT_EQ(blend.params.at("input2"), (Param{.tensor = "b_node.input2", .shape = {5, 6}}));
  EXPECT_EQ(network.weights.at("b_node.input2").shape, (Shape{5, 6}));
  EXPECT_NE(std::ranges::find(network.notes,
                              "passed through: [b_node: com.acme.Blend] is of a domain that is not "
                              "known, 'com.acme'"),
            network.notes.end());
}

TEST(Opaque, PinsWhatItReadsAndMakes) {
  const Graph graph = import_model(detector().build(), kPass).graph;
  const ChannelGroups groups = find_channel_groups(graph);
  const ChannelGroup& first = groups.groups().at(0);
  EXPECT_EQ(first.layers, (std::vector<NodeId>{graph.find("c_node").value()}));
  EXPECT_EQ(first.pinned, "reaches 'values', the op TopK, which is not known");
  const auto made = groups.channels(graph.find("b_node").value()).ids;
  EXPECT_EQ(made.size(), 5U);
}

TEST(Opaque, IsWrittenBackAsItWas) {
  const Model before = detector().build();
  const Imported network = import_model(detector().build(), kPass);
  const Model after = export_model(network.graph, network.weights);
  EXPECT_EQ(after.opsets, (std::map<std::string, int64_t>{{"", 17}, {"com.acme", 3}}));
  ASSERT_EQ(after.graph.nodes.size(), before.graph.nodes.size());
  for (const size_t i : {size_t{2}, size_t{3}}) {
    const NodeProto& was = before.graph.nodes[i];
    const NodeProto& is = after.graph.nodes[i];
    EXPECT_EQ(is.name, was.name);
    EXPECT_EQ(is.op_type, was.op_type);
    EXPECT_EQ(is.domain, was.domain);
    ASSERT_EQ(is.attributes.size(), was.attributes.size());
    for (size_t k = 0; k < is.attributes.size(); ++k) {
      EXPECT_EQ(is.attributes[k].name, was.attributes[k].name);
      EXPECT_EQ(is.attributes[k].ints, was.attributes[k].ints);
      EXPECT_EQ(is.attributes[k].floats, was.attributes[k].floats);
      EXPECT_EQ(is.attributes[k].strings, was.attributes[k].strings);
    }
  }
  EXPECT_EQ(after.graph.nodes[2].inputs, (std::vector<std::string>{"r_node", "k"}));
  EXPECT_EQ(after.graph.nodes[2].outputs, (std::vector<std::string>{"values", "places"}));
  EXPECT_EQ(after.graph.nodes[3].inputs, (std::vector<std::string>{"r_node", "", "mix"}));
  const auto k = std::ranges::find(after.graph.initializers, "k", &TensorProto::name);
  ASSERT_NE(k, after.graph.initializers.end());
  EXPECT_EQ(k->array.type, DataType::kInt64);
  EXPECT_EQ(to_ints(k->array), Ints{2});
  EXPECT_EQ(after.graph.outputs[1].type, DataType::kInt64);
  EXPECT_EQ(after.graph.outputs[1].shape.at(3).value, 2);
}

TEST(Opaque, IsReadBackFromWhatIsWrittenAndFromText) {
  const Imported network = import_model(detector().build(), kPass);
  const std::string bytes = serialize_model(export_model(network.graph, network.weights));
  const Imported again = import_model(parse_model(bytes), kPass);
  EXPECT_EQ(again.graph, network.graph) << print_graph(again.graph);
  EXPECT_EQ(infer_shapes(parse_graph(print_graph(network.graph))), network.graph);
}

TEST(Opaque, MayReadAConstantThatIsCalledAsANodeIs) {
  ModelBuilder builder = detector();
  builder.model().graph.nodes[1].name = "mix";  // As the weight of Blend.
  const Imported network = import_model(builder.build(), kPass);
  Model written = export_model(network.graph, network.weights);
  const NodeProto& blend = *std::ranges::find(written.graph.nodes, "Blend", &NodeProto::op_type);
  const std::string& mix = blend.inputs.at(2);
  const auto is_mix = [&](const TensorProto& tensor) { return tensor.name == mix; };
  EXPECT_EQ(std::ranges::count_if(written.graph.initializers, is_mix), 1);
  for (const NodeProto& node : written.graph.nodes) {
    EXPECT_THAT(node.outputs, ::testing::Not(::testing::Contains(mix)));
  }
  const Imported again = import_model(std::move(written), kPass);
  EXPECT_EQ(again.graph.nodes().size(), network.graph.nodes().size());
}

TEST(Opaque, OfOnnxIsWrittenAtTheOpsetItWasReadAtAlone) {
  const Imported network = import_model(detector().build(), kPass);
  EXPECT_ERROR(export_model(network.graph, network.weights, {.opset = 18}),
               "of opset 17 and means something there alone");
  ModelBuilder builder(11);
  builder.input("x", {1, 3}).node("Det", "x", "y").output("y");
  const Imported old = import_model(builder.build(), kPass);
  EXPECT_ERROR(export_model(old.graph, old.weights), "opsets 13 to 25 are written, not 11");
}

TEST(Opaque, AnUnknownFormOfAKnownOpIsOneToo) {
  ModelBuilder builder;
  builder.input("x", {1, 2, 4, 4}).weight("w", {3, 2, 1, 1});
  builder.node("Conv", "x w", "c")
      .node("MaxPool", "c", "p places", {ints_attr("kernel_shape", {2, 2})})
      .output("p")
      .output("places");
  const Graph graph = import_model(builder.build(), kPass).graph;
  EXPECT_EQ(graph[graph.find("p").value()].text("op_type", ""), "MaxPool");
  for (const Node& node : graph.nodes()) EXPECT_NE(node.op, "MaxPool");
}

TEST(Opaque, WhatReadsIntegersOrOpenSizesIsOneToo) {
  ModelBuilder builder;
  builder.input("ids", {-1, 5}).weight("table", {7, 4}).weight("fc", {4, 2});
  builder.model().graph.inputs[0].type = DataType::kInt64;
  builder.node("Gather", "table ids", "e").node("MatMul", "e fc", "y").output("y");
  builder.model().graph.values.push_back(ModelBuilder::value_info("e", {1, 5, 4}));
  const Graph graph = import_model(Model(builder.build()), kPass).graph;
  EXPECT_EQ(graph[graph.find("ids").value()].text("type", ""), "int64");
  EXPECT_EQ(graph[graph.find("e_node").value()].op, "Opaque");
  EXPECT_EQ(graph[graph.find("y_node").value()].op, "MatMul");
  ModelBuilder open;
  open.input("x", {1, 3}).node("NonZero", "x", "n").node("Transpose", "n", "t").output("t");
  const Graph sealed = import_model(open.build(), kPass).graph;
  EXPECT_EQ(sealed[sealed.find("t").value()].text("op_type", ""), "Transpose");
  EXPECT_EQ(sealed[sealed.find("t").value()].shape, Shape{1});
}

TEST(Opaque, SharesNoWeightWithAKnownOp) {
  ModelBuilder builder;
  builder.input("x", {1, 4}).weight("w", {4, 4});
  builder.node("MatMul", "x w", "a").node("Mystery", "a w", "y").output("y");
  const Imported network = import_model(builder.build(), kPass);
  EXPECT_EQ(network.graph[network.graph.find("a_node").value()].params.at("weight").tensor, "w");
  EXPECT_EQ(network.graph[network.graph.find("y").value()].params.at("input1").tensor, "y.input1");
}

TEST(Opaque, WithABodyThatReadsFromOutsideIsRefused) {
  ModelBuilder builder;
  builder.input("x", {1, 1}).input("z", {1, 3});
  AttributeProto body{.name = "then_branch", .type = AttributeProto::Type::kGraph};
  body.graphs.emplace_back().outputs.push_back({.name = "inner"});
  body.graphs[0].nodes.push_back({.op_type = "Relu", .inputs = {"z"}, .outputs = {"inner"}});
  AttributeProto other = body;
  other.name = "else_branch";
  builder.node("If", "x", "y", {body, other}).output("y");
  EXPECT_ERROR(import_model(Model(builder.build()), kPass),
               "; nor can it be passed through: its body reads 'z' from outside of it");
}

/// x, as [T, N, C] in 't' or with its rows merged in 'rows', and the sizes that a Shape gives.
ModelBuilder sequences() {
  ModelBuilder builder;
  builder.input("x", {-1, 6, 4}).scalar("zero", 0).scalar("one", 1).ints("first", {0});
  builder.ints("merged", {-1, 4}).ints("two", {2}).ints("width", {1, 5});
  builder.node("Transpose", "x", "t", {ints_attr("perm", {1, 0, 2})})
      .node("Reshape", "x merged", "rows")
      .node("Shape", "x", "shape")
      .node("Gather", "shape zero", "batch")
      .node("Gather", "shape one", "length")
      .node("Unsqueeze", "batch first", "batches");
  return builder;
}

/// What is said of an unknown op that reads these.
std::string refusal(ModelBuilder&& builder, const std::string& inputs) {
  builder.node("Mystery", inputs, "y").output("y");
  try {
    import_model(builder.build(), kPass);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Opaque, ReadsNoValueWithTheBatchElsewhere) {
  EXPECT_EQ(refusal(sequences(), "t"),
            "[y_node: Mystery] this op is not supported; nor can it be passed through: it reads "
            "'t', which has the batch along axis 1, where the batch is expected as the first axis, "
            "and alone; let the op read the value before it is moved, or after it is moved back");
  EXPECT_THAT(refusal(sequences(), "x rows"),
              HasSubstr("'rows', which has the batch along axis 0, together with another, where"));
}

TEST(Opaque, MayReadAValueWhoseBatchWasMovedBack) {
  ModelBuilder builder = sequences();
  builder.node("Relu", "t", "r").node("Transpose", "r", "back", {ints_attr("perm", {1, 0, 2})});
  EXPECT_EQ(refusal(std::move(builder), "back"), "");
}

TEST(Opaque, OfAKnownOpTheReasonIsSaid) {
  ModelBuilder builder = sequences();
  builder.node("Softmax", "t", "y", {int_attr("axis", 1)}).output("y");
  EXPECT_ERROR(import_model(builder.build(), kPass),
               "[y_node: Softmax] works along axis 1, where the batch lies; nor can it be passed "
               "through: it reads 't', which has the batch along axis 1");
}

TEST(Opaque, ReadsNothingComputedFromTheSizeOfTheBatch) {
  EXPECT_EQ(refusal(sequences(), "x batch"),
            "[y_node: Mystery] this op is not supported; nor can it be passed through: it reads "
            "'batch', which is computed from the size of the batch, where what holds for any batch "
            "is expected; export the network with a fixed batch and its constants folded");
  const auto refused = [](const std::string& op,
                          const std::string& inputs,
                          std::vector<AttributeProto> attributes = {}) {
    ModelBuilder builder = sequences();
    builder.node(op, inputs, "made", std::move(attributes));
    return refusal(std::move(builder), "x made").find("'made', which is computed from") !=
           std::string::npos;
  };
  // None of these holds a multiple of what Shape said, or is a list of integers.
  EXPECT_TRUE(refused("Add", "batch one"));
  EXPECT_TRUE(refused("Range", "zero batch one"));
  EXPECT_TRUE(refused("Cast", "batch", {int_attr("to", 1)}));
  EXPECT_TRUE(refused("Cast", "batch", {int_attr("to", 6)}));
  EXPECT_TRUE(refused("CastLike", "batches x"));
  EXPECT_TRUE(refused("ConstantOfShape", "batches"));
  EXPECT_TRUE(refused("Tile", "first batches"));
}

TEST(Opaque, MayReadSizesThatAreTheSameInAnyBatch) {
  EXPECT_EQ(refusal(sequences(), "x length"), "");
  ModelBuilder builder = sequences();
  builder.node("Sub", "batch batch", "nothing").node("Div", "shape shape", "ones");
  EXPECT_EQ(refusal(std::move(builder), "x nothing ones"), "");
  ModelBuilder prime;
  prime.input("x", {-1, 97});
  prime.node("Shape", "x", "s", {int_attr("start", 1)});
  EXPECT_EQ(refusal(std::move(prime), "x s"), "");
}

TEST(Opaque, OfSeveralAxesAsLongAsTheBatchNoneIsTakenForIt) {
  // [directions, N, C] of an LSTM in a file that was traced with two examples.
  ModelBuilder builder;
  builder.input("x", {2, 6, 4}).node("Mystery", "x", "states");
  builder.node("Relu", "states", "y").output("y");
  builder.model().graph.values.push_back(ModelBuilder::value_info("states", {2, 2, 4}));
  const Graph graph = import_model(builder.build(), kPass).graph;
  EXPECT_EQ(graph[graph.find("y").value()].text("op_type", ""), "Relu");
  EXPECT_EQ(graph[graph.find("states_node").value()].ints("shape", {}), (Ints{-1, 2, 4}));
}

TEST(Opaque, DamageToItsTextIsAnError) {
  const Imported network = import_model(detector().build(), kPass);
  const auto write_with = [&](const std::string& key, const Attr& value) {
    Graph damaged("d");
    for (Node node : network.graph.nodes()) {
      if (node.op == "Opaque" && node.attrs.count(key) != 0) node.attrs[key] = value;
      damaged.add(node);
    }
    damaged.set_outputs({network.graph.outputs().begin(), network.graph.outputs().end()});
    export_model(damaged, network.weights);
  };
  EXPECT_ERROR(write_with("proto", std::string("AAAA")), "'proto' is damaged");
  EXPECT_ERROR(write_with("proto", std::string("?")), "'proto' is damaged: no base64");
  EXPECT_ERROR(write_with("output", Ints{9}), "no such output");
  EXPECT_ERROR(write_with("type", std::string("int65")), "unknown type 'int65'");
  OpaqueProto proto{.node = {.op_type = "TopK", .inputs = {"live:7"}, .outputs = {"a", "b"}}};
  EXPECT_ERROR(write_with("proto", to_attribute(proto)), "reads 'live:7'");
  proto.node.inputs = {"param:weight:w"};
  EXPECT_ERROR(write_with("proto", to_attribute(proto)), "reads 'param:weight:w'");
}

}  // namespace
}  // namespace morph::onnx
