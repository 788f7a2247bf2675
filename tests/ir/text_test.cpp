#include "morph/ir/text.h"

#include <cmath>
#include <limits>

#include "expect_error.h"

#include "morph/base/file.h"

namespace morph {
namespace {

constexpr const char* kResidual = R"(morph 1
network "residual"
input = Input() shape=[1, 3, 8, 8] -> [1, 3, 8, 8]
conv1 = Conv(input; weight=[4, 3, 3, 3]) pads=[1, 1, 1, 1] -> [1, 4, 8, 8]
bn1 = BatchNormalization(conv1; bias=[4], running_mean=[4], running_var=[4], weight=[4]) epsilon=0.001 -> [1, 4, 8, 8]
relu = Relu(bn1) -> [1, 4, 8, 8]
block.conv = Conv(relu; weight=[4, 4, 1, 1] @ shared) group=1
add = Add(relu, block.conv)
return add, relu
)";

TEST(PrintGraph, PrintsWhatItParsed) {
  const Graph graph = parse_graph(kResidual);
  EXPECT_EQ(print_graph(graph), kResidual);
}

TEST(ParseGraph, FillsNodes) {
  const Graph graph = parse_graph(kResidual);
  Graph expected("residual");
  const NodeId input = expected.add({.name = "input",
                                     .op = "Input",
                                     .attrs = {{"shape", std::vector<int64_t>{1, 3, 8, 8}}},
                                     .shape = {1, 3, 8, 8}});
  const NodeId conv1 = expected.add({.name = "conv1",
                                     .op = "Conv",
                                     .inputs = {input},
                                     .attrs = {{"pads", std::vector<int64_t>{1, 1, 1, 1}}},
                                     .params = {{"weight", {"conv1.weight", {4, 3, 3, 3}}}},
                                     .shape = {1, 4, 8, 8}});
  const NodeId bn1 = expected.add({.name = "bn1",
                                   .op = "BatchNormalization",
                                   .inputs = {conv1},
                                   .attrs = {{"epsilon", std::vector<double>{0.001}}},
                                   .params = {{"weight", {"bn1.weight", {4}}},
                                              {"bias", {"bn1.bias", {4}}},
                                              {"running_mean", {"bn1.running_mean", {4}}},
                                              {"running_var", {"bn1.running_var", {4}}}},
                                   .shape = {1, 4, 8, 8}});
  const NodeId relu =
      expected.add({.name = "relu", .op = "Relu", .inputs = {bn1}, .shape = {1, 4, 8, 8}});
  const NodeId conv = expected.add({.name = "block.conv",
                                    .op = "Conv",
                                    .inputs = {relu},
                                    .attrs = {{"group", std::vector<int64_t>{1}}},
                                    .params = {{"weight", {"shared", {4, 4, 1, 1}}}}});
  const NodeId add = expected.add({.name = "add", .op = "Add", .inputs = {relu, conv}});
  expected.set_outputs({add, relu});
  EXPECT_EQ(graph, expected);
}

TEST(ParseGraph, AcceptsCommentsBlankLinesAndBreaksInsideBrackets) {
  const Graph graph = parse_graph(R"(
# A network.
morph 1   # version

network tiny
input = Input() shape=[1,
    3]
cat = Concat(
  input,   # once
  input) axis=1

return cat   # the end)");
  EXPECT_EQ(print_graph(graph),
            "morph 1\nnetwork \"tiny\"\ninput = Input() shape=[1, 3]\n"
            "cat = Concat(input, input) axis=1\nreturn cat\n");
}

TEST(ParseGraph, AcceptsCarriageReturns) {
  EXPECT_EQ(print_graph(parse_graph("morph 1\r\nnetwork a\r\ni = Input()\r\nreturn i\r\n")),
            "morph 1\nnetwork \"a\"\ni = Input()\nreturn i\n");
}

TEST(ParseGraph, LeavesUnknownOpsToOthers) {
  const Graph graph = parse_graph("morph 1\nnetwork a\ni = NoSuchOp(;w=[])\nreturn i");
  EXPECT_EQ(graph[NodeId{0}].op, "NoSuchOp");
  EXPECT_EQ(graph[NodeId{0}].params.at("w").shape, Shape());
}

Graph one_node(Node node) {
  Graph graph("g");
  graph.set_outputs({graph.add(std::move(node))});
  return graph;
}

Attr attr_after_round_trip(const Attr& attr) {
  const Graph graph = one_node({.name = "n", .op = "Op", .attrs = {{"a", attr}}});
  return parse_graph(print_graph(graph))[NodeId{0}].attrs.at("a");
}

std::string printed_attr(const Attr& attr) {
  const std::string text = print_graph(one_node({.name = "n", .op = "Op", .attrs = {{"a", attr}}}));
  const size_t start = text.find("a=", text.find("n = ")) + 2;
  return text.substr(start, text.find('\n', start) - start);
}

TEST(Attributes, KeepTypeAndValue) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr int64_t kSmallest = std::numeric_limits<int64_t>::min();
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  const std::vector<std::pair<Attr, std::string>> cases = {
      {std::vector<int64_t>{}, "[]"},
      {std::vector<int64_t>{-3}, "-3"},
      {std::vector<int64_t>{kSmallest, kLargest}, "[-9223372036854775808, 9223372036854775807]"},
      {std::vector<double>{}, "[.]"},
      {std::vector<double>{1}, "1.0"},
      {std::vector<double>{0.1}, "0.1"},
      {std::vector<double>{1, -2.5, 1e300}, "[1.0, -2.5, 1e+300]"},
      {std::vector<double>{1e-5}, "1e-05"},
      {std::vector<double>{kInfinity, -kInfinity}, "[inf, -inf]"},
      {std::vector<double>{std::numeric_limits<double>::denorm_min()}, "5e-324"},
      {std::string(), "\"\""},
      {std::string("3"), "\"3\""},
      {std::string("say \"hi\"\n\\ \t\x01 é"), R"("say \"hi\"\n\\ \t\u0001 é")"},
  };
  for (const auto& [attr, text] : cases) {
    EXPECT_EQ(printed_attr(attr), text);
    EXPECT_EQ(attr_after_round_trip(attr), attr) << text;
  }
}

TEST(Attributes, KeepNegativeZeroAndNan) {
  const auto zero = std::get<std::vector<double>>(attr_after_round_trip(std::vector<double>{-0.0}));
  EXPECT_TRUE(std::signbit(zero.at(0)));
  const auto nan =
      std::get<std::vector<double>>(attr_after_round_trip(std::vector<double>{std::nan("")}));
  EXPECT_TRUE(std::isnan(nan.at(0)));
}

TEST(Attributes, OneFloatMakesTheListFloats) {
  const Graph graph = parse_graph("morph 1\nnetwork g\nn = Op() a=[1, 0.5] b=[7]\nreturn n");
  EXPECT_EQ(graph[NodeId{0}].attrs.at("a"), Attr(std::vector<double>{1, 0.5}));
  EXPECT_EQ(graph[NodeId{0}].attrs.at("b"), Attr(std::vector<int64_t>{7}));
}

TEST(Names, SurviveWhateverTheyHold) {
  const std::vector<std::string> names = {"layer1.0/conv:0",
                                          "a b",
                                          "return",
                                          "morph",
                                          "network",
                                          "->",
                                          "a->b",
                                          "-",
                                          "7",
                                          "#",
                                          "\"",
                                          "",
                                          "/model/Conv_output_0",
                                          "naïve",
                                          "\x7f\x01\n",
                                          "back\\slash",
                                          std::string("nul\0!", 5)};
  Graph graph("a \"network\"\n");
  std::vector<NodeId> all;
  all.reserve(names.size());
  for (const std::string& name : names) {
    all.push_back(
        graph.add({.name = name,
                   .op = name,
                   .inputs = all,
                   .attrs = {{name, std::vector<int64_t>{1}}},
                   .params = {{name, {name, {2}}}, {"default", {name + ".default", {}}}}}));
  }
  graph.set_outputs(all);
  EXPECT_EQ(parse_graph(print_graph(graph)), graph) << print_graph(graph);
}

TEST(Names, UnderstandJsonEscapes) {
  const Graph graph = parse_graph(R"(morph 1
network "\u0041\u00e9\u20AC\ud83d\ude00\/\b\f\r"
return)");
  EXPECT_EQ(graph.name(), "Aé€😀/\b\f\r");
}

TEST(PrintGraph, RoundTripsAGraphThatIsNotReady) {
  EXPECT_EQ(parse_graph(print_graph(Graph("empty"))), Graph("empty"));
}

std::string body(const std::string& lines) { return "morph 1\nnetwork g\n" + lines; }

TEST(ParseErrors, NamePlaceExpectedAndFound) {
  EXPECT_ERROR(parse_graph(body("i = Input()\nr = Relu(i -> [1]\nreturn r")),
               "line 4, column 12: expected ',', ';' or ')', found '->'");
  EXPECT_ERROR(parse_graph(body("i = Input(; w=[1] -> [1]\nreturn i")),
               "line 3, column 19: expected ',' or ')', found '->'");
  EXPECT_ERROR(parse_graph(body("i Input()\nreturn i")),
               "line 3, column 3: expected '=', found 'Input'");
  EXPECT_ERROR(parse_graph(body("i = Input\nreturn i")),
               "line 3, column 10: expected '(', found the end of the line");
  EXPECT_ERROR(parse_graph(body("i = Input() shape=\nreturn i")),
               "line 3, column 19: expected a number, a list of numbers or a quoted text, found "
               "the end of the line");
  EXPECT_ERROR(parse_graph(body("i = Input() -> [1, x]\nreturn i")),
               "line 3, column 20: expected an integer, found 'x'");
  EXPECT_ERROR(parse_graph(body("i = Input() -> [1.5]\nreturn i")),
               "line 3, column 17: expected an integer, found '1.5'");
  EXPECT_ERROR(parse_graph(body("i = Input() -> [1] ]\nreturn i")),
               "line 3, column 20: expected the end of the line, found ']'");
  EXPECT_ERROR(parse_graph(body("i = Input() a=b\nreturn i")),
               "line 3, column 15: expected a number, found 'b'");
  EXPECT_ERROR(parse_graph(body("i = Input(;)\nreturn i")),
               "line 3, column 12: expected the name of a param, found ')'");
  EXPECT_ERROR(parse_graph(body("i = Input(; w=[1] @ )\nreturn i")),
               "line 3, column 21: expected the name of a tensor, found ')'");
}

TEST(ParseErrors, CountColumnsInCharacters) {
  EXPECT_ERROR(parse_graph(body("\"é\" = Input() é\nreturn i")),
               "line 3, column 15: unexpected character");
}

TEST(ParseErrors, SuggestTheNearestValue) {
  EXPECT_ERROR(parse_graph(body("input = Input()\nr = Relu(imput)\nreturn r")),
               "line 4, column 10: no node called \"imput\" comes before this place. Did you mean "
               "'input'?");
  EXPECT_ERROR(parse_graph(body("input = Input()\nreturn outputs")),
               "line 4, column 8: no node called \"outputs\"");
  EXPECT_ERROR(parse_graph(body("r = Relu(r)\nreturn r")), "no node called \"r\" comes before");
}

TEST(ParseErrors, RefuseWhatIsGivenTwice) {
  EXPECT_ERROR(parse_graph(body("i = Input()\ni = Input()\nreturn i")),
               "line 4, column 1: a node called \"i\" is already there");
  EXPECT_ERROR(parse_graph(body("i = Input(; w=[1], w=[1])\nreturn i")),
               "line 3, column 20: the param \"w\" is given twice");
  EXPECT_ERROR(parse_graph(body("i = Input() a=1 a=2\nreturn i")),
               "line 3, column 17: the attribute \"a\" is given twice");
}

TEST(ParseErrors, RefuseNumbersOutOfRange) {
  EXPECT_ERROR(parse_graph(body("i = Input() -> [9223372036854775808]\nreturn i")),
               "line 3, column 17: the number '9223372036854775808' is out of range");
  EXPECT_ERROR(parse_graph(body("i = Input() a=1e999\nreturn i")), "out of range");
  const std::string digits(100000, '9');
  EXPECT_ERROR(parse_graph(body("i = Input() a=" + digits + "\nreturn i")), "99…' is out of range");
}

TEST(ParseErrors, RefuseDamagedQuotes) {
  EXPECT_ERROR(parse_graph("morph 1\nnetwork \"g\nreturn"),
               "line 2, column 9: the quoted text that begins here does not end on its line");
  EXPECT_ERROR(parse_graph("morph 1\nnetwork \"g\\x\""), "line 2, column 11: unknown escape");
  EXPECT_ERROR(parse_graph("morph 1\nnetwork \"\\u12g4\""), "four hexadecimal digits");
  EXPECT_ERROR(parse_graph("morph 1\nnetwork \"\\u12"), "four hexadecimal digits");
  EXPECT_ERROR(parse_graph("morph 1\nnetwork \"\\ud83d\""), "half of a surrogate pair");
  EXPECT_ERROR(parse_graph("morph 1\nnetwork \"\\ud83d\\u0041\""), "half of a surrogate pair");
  EXPECT_ERROR(parse_graph("morph 1\nnetwork \"\\udc00\""), "half of a surrogate pair");
}

TEST(ParseErrors, RefuseOtherVersionsAndOtherFiles) {
  EXPECT_ERROR(parse_graph("morph 2\nnetwork g\nreturn"),
               "line 1, column 7: this program reads version 1 of the text form, found '2'");
  EXPECT_ERROR(parse_graph(""),
               "line 1, column 1: expected 'morph 1', the version line of a network in text form, "
               "found the end of the text");
  EXPECT_ERROR(parse_graph("{\"a\": 1}"), "unexpected character \"{\"");
  EXPECT_ERROR(parse_graph("morph 1\ni = Input()"), "line 2, column 1: expected 'network'");
}

TEST(ParseErrors, RefuseAMissingOrEarlyReturn) {
  EXPECT_ERROR(parse_graph(body("i = Input()\n")),
               "line 4, column 1: expected a node or 'return', found the end of the text");
  EXPECT_ERROR(parse_graph(body("i = Input()\nreturn i\nr = Relu(i)")),
               "line 5, column 1: expected nothing after the line of 'return', found 'r'");
  EXPECT_ERROR(parse_graph(body("network = Input()\nreturn")),
               "line 3, column 1: expected a node's name or 'return', found 'network'");
}

TEST(PrintDot, DrawsABoxForEachNodeAndAnArrowForEachReading) {
  const Graph graph = parse_graph(
      "morph 1\nnetwork g\n\"a\\\"b\" = Input() -> [1, 3]\nsum = Add(\"a\\\"b\", \"a\\\"b\")\n"
      "return sum");
  EXPECT_EQ(print_dot(graph), R"(digraph "g" {
  node [shape=box, fontname="sans-serif"];
  n0 [label="a\"b\nInput\n[1, 3]"];
  n1 [label="sum\nAdd", peripheries=2];
  n0 -> n1;
  n0 -> n1;
}
)");
}

TEST(Documentation, ExamplesAreInPrintedForm) {
  const std::string page = read_file(MORPH_SOURCE_DIR "/docs/ir.md");
  const std::string fence = "```morph\n";
  size_t examples = 0;
  for (size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
    at += fence.size();
    const std::string example = page.substr(at, page.find("```", at) - at);
    EXPECT_EQ(print_graph(parse_graph(example)), example);
    ++examples;
  }
  EXPECT_GE(examples, 1U);
}

}  // namespace
}  // namespace morph
