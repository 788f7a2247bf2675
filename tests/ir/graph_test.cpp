#include "morph/ir/graph.h"

#include <limits>

#include "expect_error.h"

namespace morph {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Graph diamond() {
  Graph graph("diamond");
  const NodeId input = graph.add({.name = "input", .op = "Input"});
  const NodeId left = graph.add({.name = "left", .op = "Relu", .inputs = {input}});
  const NodeId right = graph.add({.name = "right", .op = "Tanh", .inputs = {input}});
  const NodeId twice = graph.add({.name = "twice", .op = "Add", .inputs = {left, left}});
  graph.set_outputs({graph.add({.name = "sum", .op = "Add", .inputs = {twice, right}})});
  return graph;
}

TEST(Graph, FindsNodesByNameAndKind) {
  const Graph graph = diamond();
  EXPECT_EQ(graph.find("right"), NodeId{2});
  EXPECT_EQ(graph.find("up"), std::nullopt);
  EXPECT_THAT(graph.inputs(), ElementsAre(NodeId{0}));
  EXPECT_EQ(graph[NodeId{3}].label(), "[twice: Add]");
}

TEST(Graph, ListsConsumersOncePerReading) {
  const auto readers = consumers(diamond());
  EXPECT_THAT(readers[0], ElementsAre(NodeId{1}, NodeId{2}));
  EXPECT_THAT(readers[1], ElementsAre(NodeId{3}, NodeId{3}));
  EXPECT_THAT(readers[4], IsEmpty());
}

TEST(Graph, IsAValue) {
  const Graph graph = diamond();
  Graph copy = graph;
  EXPECT_EQ(copy, graph);
  copy.add({.name = "more", .op = "Relu", .inputs = {NodeId{4}}});
  EXPECT_FALSE(copy == graph);
  EXPECT_EQ(graph.nodes().size(), 5U);
}

TEST(Graph, RefusesTakenNamesAndInputsThatDoNotComeBefore) {
  Graph graph = diamond();
  EXPECT_ERROR(graph.add({.name = "left", .op = "Relu"}), "'left' is used by two nodes");
  EXPECT_ERROR(graph.add({.name = "loop", .op = "Relu", .inputs = {NodeId{5}}}),
               "[loop: Relu] reads a node that does not come before it");
  EXPECT_ERROR(graph.add({.name = "loop", .op = "Relu", .inputs = {NodeId{-1}}}),
               "does not come before it");
  EXPECT_EQ(graph, diamond());
}

TEST(Node, GivesAttributesOrTheirDefaults) {
  const Node node = {.name = "n",
                     .op = "Clip",
                     .attrs = {{"axes", std::vector<int64_t>{1, 2}},
                               {"axis", std::vector<int64_t>{-1}},
                               {"min", std::vector<double>{0.5}},
                               {"mode", std::string("edge")}}};
  EXPECT_THAT(node.ints("axes", {}), ElementsAre(1, 2));
  EXPECT_THAT(node.ints("pads", {7}), ElementsAre(7));
  EXPECT_EQ(node.integer("axis", 3), -1);
  EXPECT_EQ(node.integer("group", 3), 3);
  EXPECT_EQ(node.number("min", 0), 0.5);
  EXPECT_EQ(node.number("axis", 0), -1);  // A whole number serves as a real one.
  EXPECT_EQ(node.number("max", 6), 6);
  EXPECT_EQ(node.text("mode", "constant"), "edge");
  EXPECT_EQ(node.text("kind", "constant"), "constant");
}

TEST(Node, SaysWhichAttributeHasTheWrongType) {
  const Node node = {.name = "n",
                     .op = "Clip",
                     .attrs = {{"axes", std::vector<int64_t>{1, 2}},
                               {"min", std::vector<double>{0.5}},
                               {"mode", std::string("edge")}}};
  EXPECT_ERROR(node.ints("mode", {}), "[n: Clip] attribute 'mode' must be a list of integers");
  EXPECT_ERROR(node.integer("axes", 0), "attribute 'axes' must be one number, got 2");
  EXPECT_ERROR(node.integer("min", 0), "attribute 'min' must be a list of integers");
  EXPECT_ERROR(node.number("mode", 0), "attribute 'mode' must be a number");
  EXPECT_ERROR(node.text("min", ""), "attribute 'min' must be a text");
}

TEST(Shape, CountsElementsUpTo63Bits) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({5, 0}), 0);
  EXPECT_EQ(element_count({std::numeric_limits<int64_t>::max()}),
            std::numeric_limits<int64_t>::max());
  EXPECT_ERROR(element_count({int64_t{1} << 32, int64_t{1} << 31}), "[4294967296, 2147483648]");
  EXPECT_ERROR(element_count({2, -1}), "shape [2, -1] has no valid size");
}

}  // namespace
}  // namespace morph
