#include "morph/analysis/structure.h"

#include "analyzed.h"
#include "expect_error.h"
#include "random_graph.h"
#include <nlohmann/json.hpp>

namespace morph {
namespace {

constexpr const char* kResidual = R"(
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[4, 3, 1, 1])
inner = Conv(stem; weight=[3, 4, 1, 1])
outer = Conv(inner; weight=[4, 3, 1, 1])
sum = Add(outer, stem)
head = Conv(sum; weight=[2, 4, 1, 1])
return head
)";

std::vector<bool> mask(const std::string& text) {
  std::vector<bool> alive;
  for (const char c : text) alive.push_back(c == '1');
  return alive;
}

/// A structure with these masks and no more.
Structure structure_of(const std::map<std::string, std::string>& masks) {
  Structure structure{.network = "test"};
  for (const auto& [name, text] : masks) structure.layers[name].alive = mask(text);
  return structure;
}

std::vector<bool> alive_in_residual(const std::map<std::string, std::string>& masks) {
  const Analyzed net(kResidual);
  return alive_sets(net.graph, net.groups, structure_of(masks));
}

TEST(Structure, SaysWhichSetsLive) {
  // Sets 0 to 2 are the input's, 3 to 6 of stem and outer, 7 to 9 of inner, 10 and 11 of head.
  EXPECT_EQ(alive_in_residual({}), mask("111111111111"));
  EXPECT_EQ(alive_in_residual({{"inner", "011"}}), mask("111111101111"));
  EXPECT_EQ(alive_in_residual({{"outer", "1010"}}), mask("111101011111"));
  EXPECT_EQ(alive_in_residual({{"outer", "1010"}, {"stem", "1010"}, {"head", "11"}}),
            mask("111101011111"));
}

TEST(Structure, UnknownLayer) {
  EXPECT_ERROR(alive_in_residual({{"iner", "111"}}),
               "the structure names 'iner', which is not in the network. Did you mean 'inner'?");
  EXPECT_ERROR(alive_in_residual({{"sum", "1111"}}),
               "the structure names 'sum', which is not a convolution or dense layer.");
}

TEST(Structure, MaskOfTheWrongLength) {
  EXPECT_ERROR(alive_in_residual({{"inner", "1111"}}),
               "structure: layer 'inner' has 3 channels, its mask has 4");
}

TEST(Structure, PinnedChannel) {
  EXPECT_ERROR(alive_in_residual({{"head", "10"}}),
               "structure: channel 1 of 'head' cannot be removed: network output");
}

TEST(Structure, TiedLayersThatDisagree) {
  EXPECT_ERROR(alive_in_residual({{"outer", "1111"}, {"stem", "1110"}}),
               "structure: channel 3 of 'stem' is tied to 'outer', and only one of them keeps it");
}

TEST(Structure, OfMarkedSets) {
  const Analyzed net(kResidual);
  const Structure structure = make_structure(net.graph, net.groups, mask("111101111101"));
  ASSERT_EQ(structure.layers.size(), 4U);
  EXPECT_EQ(structure.network, "test");
  EXPECT_EQ(structure.layers.at("stem").alive, mask("1011"));
  EXPECT_EQ(structure.layers.at("stem").seed_width(), 4);
  EXPECT_EQ(structure.layers.at("stem").alive_width(), 3);
  EXPECT_EQ(structure.layers.at("outer").alive, mask("1011"));
  EXPECT_EQ(structure.layers.at("inner").alive_width(), 3);
  EXPECT_EQ(structure.layers.at("stem").group, structure.layers.at("outer").group);
  EXPECT_NE(structure.layers.at("stem").group, structure.layers.at("inner").group);
}

/// One layer, every field with a value of its own.
Structure full_structure() {
  Structure structure{.network = "net"};
  structure.layers["c1"] = {.alive = mask("0110"),
                            .threshold = 0.25,
                            .cost = {{"flops", 12.0}, {"params", 3.5}},
                            .group = 7};
  structure.layers["b"] = {.alive = mask("1"), .group = 2};
  return structure;
}

TEST(StructureJson, IsSortedAndSaysWidths) {
  EXPECT_EQ(to_json(full_structure()).dump(),
            R"({"format":"morphnet-structure","layers":{)"
            R"("b":{"alive_width":1,"cost":{},"group":2,"mask":"1","name":"b","seed_width":1,)"
            R"("threshold":0.0},)"
            R"("c1":{"alive_width":2,"cost":{"flops":12.0,"params":3.5},"group":7,"mask":"0110",)"
            R"("name":"c1","seed_width":4,"threshold":0.25}},"network":"net","version":1})");
}

TEST(StructureJson, RoundTrip) {
  const std::string text = to_json(full_structure()).dump(2);
  EXPECT_EQ(structure_from_json(nlohmann::json::parse(text)), full_structure());
}

TEST(StructureJson, NeedsOnlyFormatVersionAndMasks) {
  const Structure structure = structure_from_json(nlohmann::json::parse(
      R"({"format": "morphnet-structure", "version": 1, "layers": {"a": {"mask": "101"}}})"));
  EXPECT_EQ(structure.layers.at("a").alive, mask("101"));
  EXPECT_EQ(structure.layers.at("a").group, -1);
}

Structure parse(const std::string& text) {
  return structure_from_json(nlohmann::json::parse(text));
}

/// A file of the layer "a" with these fields.
Structure parse_layer(const std::string& fields) {
  return parse(R"({"format": "morphnet-structure", "version": 1, "layers": {"a": {)" + fields +
               "}}}");
}

TEST(StructureJson, NotAStructureFile) {
  const char* expected =
      "not a structure file: expected an object with \"format\": \"morphnet-structure\"";
  EXPECT_ERROR(parse("[]"), expected);
  EXPECT_ERROR(parse("{}"), expected);
  EXPECT_ERROR(parse(R"({"format": "morphnet-run"})"), expected);
  EXPECT_ERROR(parse(R"({"format": 1})"), expected);
}

TEST(StructureJson, UnknownVersion) {
  EXPECT_ERROR(parse(R"({"format": "morphnet-structure", "version": 2})"),
               "structure: version 2 is not known; this program reads version 1");
  EXPECT_ERROR(parse(R"({"format": "morphnet-structure"})"), "structure: version null is not");
  EXPECT_ERROR(parse(R"({"format": "morphnet-structure", "version": "1"})"),
               "structure: version \"1\" is not known");
}

TEST(StructureJson, FieldsOfTheWrongKind) {
  EXPECT_ERROR(parse(R"({"format": "morphnet-structure", "version": 1, "layers": []})"),
               "structure: \"layers\" must be an object with one entry a layer");
  EXPECT_ERROR(parse(R"({"format": "morphnet-structure", "version": 1, "network": 3,
                         "layers": {}})"),
               "structure: \"network\" must be a name, found 3");
  EXPECT_ERROR(parse_layer(R"("alive": "101")"),
               "structure: layer 'a' needs a \"mask\", a string of 0 and 1");
  EXPECT_ERROR(parse_layer(R"("mask": [1, 0])"), "layer 'a' needs a \"mask\"");
  EXPECT_ERROR(parse_layer(R"("mask": "1", "threshold": "high")"), "structure: layer 'a': ");
  EXPECT_ERROR(parse_layer(R"("mask": "1", "cost": [1])"), "structure: layer 'a': ");
}

TEST(StructureJson, BadMaskCharacters) {
  EXPECT_ERROR(parse_layer(R"("mask": "10x1")"),
               "structure: layer 'a': mask must be of 0 and 1, found 'x'");
}

TEST(StructureJson, WidthsThatContradictTheMask) {
  EXPECT_ERROR(parse_layer(R"("mask": "101", "alive_width": 3)"),
               "structure: layer 'a': alive_width is 3, but its mask says 2");
  EXPECT_ERROR(parse_layer(R"("mask": "101", "seed_width": 4)"),
               "structure: layer 'a': seed_width is 4, but its mask says 3");
}

TEST(Structure, RoundTripOnRandomGraphs) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_graph(seed);
    const ChannelGroups groups = find_channel_groups(graph);
    const std::vector<bool> alive = random_alive(graph, groups, seed);
    const Structure structure = make_structure(graph, groups, alive);
    EXPECT_EQ(alive_sets(graph, groups, structure), alive);
    EXPECT_EQ(structure_from_json(to_json(structure)), structure);
  }
}

}  // namespace
}  // namespace morph
