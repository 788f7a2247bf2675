#include <algorithm>
#include <string>

#include "command.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/ir/text.h"
#include "morph/zoo/zoo.h"

namespace morph {
namespace {

using nlohmann::json;
using test::Workplace;

TEST(CliCost, JsonIsAContract) {
  const Workplace place("cost_json");
  place.write("net.morph", R"(morph 1
network "grouped net"
x = Input() shape=[1, 9, 7, 7]
g = Conv(x; weight=[6, 3, 1, 1], bias=[6]) group=3
n = BatchNormalization(g; weight=[6], bias=[6], running_mean=[6], running_var=[6])
r = Relu(n)
f = Flatten(r)
fc = Gemm(f; weight=[2, 294])
return fc
)");
  const test::Outcome outcome = place.morphnet("cost net.morph --json");
  EXPECT_EQ(outcome.code, 0);
  const json expected = {{"network", "grouped net"},
                         {"costs",
                          {{"flops", {{"total", 2940}}},
                           {"params", {{"total", 624}}},
                           {"activations", {{"total", 296}}}}},
                         {"layers",
                          {{{"name", "g"},
                            {"op", "Conv"},
                            {"in", 9},
                            {"out", 6},
                            {"flops", 1764},
                            {"params", 24},
                            {"activations", 294}},
                           {{"name", "n"},
                            {"op", "BatchNormalization"},
                            {"in", 6},
                            {"out", 6},
                            {"flops", 0},
                            {"params", 12},
                            {"activations", 0}},
                           {{"name", "fc"},
                            {"op", "Gemm"},
                            {"in", 294},
                            {"out", 2},
                            {"flops", 1176},
                            {"params", 588},
                            {"activations", 2}}}}};
  const json found = json::parse(outcome.out);
  EXPECT_EQ(found, expected);
  for (const json& layer : found.at("layers")) {
    for (const char* key : {"in", "out", "flops", "params", "activations"}) {
      EXPECT_TRUE(layer.at(key).is_number_integer()) << layer;
    }
  }
}

TEST(CliCost, Resnet20) {
  const Workplace place("cost_resnet20");
  const json found = json::parse(place.morphnet("cost 'zoo:resnet20?input=3x32x32' --json").out);
  const auto flops = found.at("costs").at("flops").at("total").get<double>();
  EXPECT_NEAR(flops, 81.6e6, 0.001 * 81.6e6);
  EXPECT_EQ(found.at("costs").at("flops").at("total"), 81626368);
  EXPECT_EQ(found.at("costs").at("params").at("total"), 272474);
}

TEST(CliCost, Table) {
  const Workplace place("cost_table");
  const test::Outcome total = place.morphnet("cost zoo:resnet20");
  EXPECT_NE(total.out.find("flops         81,626,368  (81.63 M FLOPs)\n"), std::string::npos)
      << total.out;
  const test::Outcome layers = place.morphnet("cost zoo:resnet20 --by-layer");
  EXPECT_EQ(layers.out.rfind(total.out, 0), 0U);
  EXPECT_NE(layers.out.find("\nfc "), std::string::npos);
}

TEST(CliShow, PrintsWhatParsesBack) {
  const Workplace place("show");
  for (const zoo::Entry& entry : zoo::networks()) {
    const test::Outcome outcome = place.morphnet("show zoo:" + entry.name);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(parse_graph(outcome.out), zoo::build(entry.name));
  }
  place.write("again.morph", place.morphnet("show zoo:mlp").out);
  EXPECT_EQ(place.morphnet("show again.morph").out, place.read("again.morph"));
}

TEST(CliShow, Dot) {
  const Workplace place("dot");
  const std::string dot = place.morphnet("show zoo:mlp --dot").out;
  EXPECT_EQ(dot.rfind("digraph", 0), 0U);
  EXPECT_NE(dot.find("->"), std::string::npos);
  EXPECT_EQ(std::count(dot.begin(), dot.end(), '{'), std::count(dot.begin(), dot.end(), '}'));
}

TEST(CliInspect, SaysWhatIsTiedAndPinned) {
  const Workplace place("inspect");
  const test::Outcome outcome = place.morphnet("inspect zoo:resnet8");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find("pinned: network output"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("prunable 16 of 16"), std::string::npos) << outcome.out;
}

TEST(CliShrink, WithoutWeightsMovesTheStructureAlone) {
  const Workplace place("shrink");
  place.write("net.morph", place.morphnet("show 'zoo:mlp?input=1x4x4&classes=3'").out);
  const Graph seed = zoo::build("mlp?input=1x4x4&classes=3");
  const Node& first = *std::find_if(
      seed.nodes().begin(), seed.nodes().end(), [](const Node& n) { return n.op == "Gemm"; });
  const std::string mask = std::string(100, '1') + std::string(156, '0');
  place.write("s.json",
              json({{"format", "morphnet-structure"},
                    {"version", 1},
                    {"layers", {{first.name, {{"mask", mask}}}}}})
                  .dump());
  const test::Outcome outcome =
      place.morphnet("shrink net.morph --structure s.json -o small.morph");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.rfind("small.morph, structure only\n", 0), 0U) << outcome.out;
  EXPECT_FALSE(place.has("small.safetensors"));
  const Graph small = parse_graph(place.read("small.morph"));
  EXPECT_EQ(small[small.find(first.name).value()].shape, (Shape{1, 100}));
}

TEST(CliShrink, ByChanceWithinABudget) {
  const Workplace place("shrink_random");
  const auto flops = [&](const std::string& network) {
    const test::Outcome outcome = place.morphnet("cost " + network + " --json");
    return json::parse(outcome.out).at("costs").at("flops").at("total").get<double>();
  };
  const std::string shrink = "shrink zoo:resnet8 --budget flops=0.5x --random ";
  for (const char* arguments : {"1 -o one.morph", "1 -o again.morph", "2 -o two.morph"}) {
    const test::Outcome outcome = place.morphnet(shrink + arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
  EXPECT_EQ(place.read("one.morph"), place.read("again.morph"));
  EXPECT_NE(place.read("one.morph"), place.read("two.morph"));
  for (const char* network : {"one.morph", "two.morph"}) {
    EXPECT_LE(flops(network), 0.5 * flops("zoo:resnet8"));
    EXPECT_GE(flops(network), 0.45 * flops("zoo:resnet8"));
  }
  EXPECT_EQ(place.morphnet(shrink + "1 --keep conv1 -o kept.morph").code, 0);
  EXPECT_NE(place.read("kept.morph").find("conv1 = Conv(input; weight=[16, "), std::string::npos);
}

TEST(CliExpand, FitsTheBudget) {
  const Workplace place("expand");
  const test::Outcome outcome =
      place.morphnet("expand zoo:resnet8 --budget flops=40M --round-to 4 -o wide.morph");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("budget 40 M FLOPs"), std::string::npos) << outcome.out;
  const json cost = json::parse(place.morphnet("cost wide.morph --json").out);
  const auto flops = cost.at("costs").at("flops").at("total").get<double>();
  EXPECT_LE(flops, 40e6);
  EXPECT_GT(flops, 30e6);
  for (const json& layer : cost.at("layers")) {
    if (layer.at("name") == "fc") continue;
    EXPECT_EQ(layer.at("out").get<int64_t>() % 4, 0) << layer;
  }
  EXPECT_EQ(place
                .morphnet("expand wide.morph --budget flops=1x --relative-to zoo:resnet8 "
                          "-o back.morph")
                .code,
            0);
  const json back = json::parse(place.morphnet("cost back.morph --json").out);
  const json seed = json::parse(place.morphnet("cost zoo:resnet8 --json").out);
  EXPECT_LE(back.at("costs").at("flops").at("total"), seed.at("costs").at("flops").at("total"));
}

}  // namespace
}  // namespace morph
