#include <algorithm>
#include <string>
#include <utility>

#include "command.h"
#include <ATen/ops/allclose.h>
#include <ATen/ops/linspace.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/analysis/shapes.h"
#include "morph/checkpoint/network_file.h"
#include "morph/ir/text.h"
#include "morph/nn/graph_module.h"
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

/// A residual block with BatchNormalization.
constexpr const char* kBlock = R"(morph 1
network "block"
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[8, 3, 3, 3])
stem_norm = BatchNormalization(stem; weight=[8], bias=[8], running_mean=[8], running_var=[8])
stem_relu = Relu(stem_norm)
a = Conv(stem_relu; weight=[6, 8, 1, 1])
a_norm = BatchNormalization(a; weight=[6], bias=[6], running_mean=[6], running_var=[6])
a_relu = Relu(a_norm)
b = Conv(a_relu; weight=[8, 6, 1, 1])
b_norm = BatchNormalization(b; weight=[8], bias=[8], running_mean=[8], running_var=[8])
sum = Add(stem_relu, b_norm)
pool = GlobalAveragePool(sum)
flat = Flatten(pool)
fc = Gemm(flat; weight=[2, 8], bias=[2])
return fc
)";

/// The block with weights: scales that fall from channel to channel, and shifts and statistics that
/// are not those of an untrained network.
Network block_with_weights() {
  Network block{.graph = infer_shapes(parse_graph(kBlock))};
  Params params = initial_params(block.graph, 1);
  for (const char* norm : {"stem_norm", "a_norm", "b_norm"}) {
    const auto values = [&](const char* slot) {
      return params.at(block.graph[block.graph.find(norm).value()].params.at(slot).tensor);
    };
    const int64_t width = values("weight").numel();
    values("weight").copy_(at::linspace(2, 0.5, width));
    values("bias").copy_(at::linspace(-0.5, 1, width));
    values("running_mean").copy_(at::linspace(0.2, -0.3, width));
    values("running_var").copy_(at::linspace(0.5, 3, width));
  }
  block.params = std::move(params);
  return block;
}

TEST(CliShrink, ByAliveCountsComputesWhatTheMaskedSeedDoes) {
  const Workplace place("shrink_counts_weights");
  const Network seed = block_with_weights();
  write_network(place / "net.morph", seed);
  place.write("learned_structure/alive_200",
              R"({"net/a/Conv2D": 3, "net/b/Conv2D": 5, "net/stem/Conv2D": 5})");
  const test::Outcome outcome =
      place.morphnet("shrink net.morph --structure learned_structure/alive_200 -o small.morph");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string said = "masked and shrunk network differ by ";
  const size_t at = outcome.out.find(said);
  ASSERT_NE(at, std::string::npos) << outcome.out;
  EXPECT_LT(std::stod(outcome.out.substr(at + said.size())), 1e-5);

  const Network small = read_network(place / "small.morph");
  const auto weight = [&](const char* layer) {
    return small.graph[small.graph.find(layer).value()].params.at("weight").shape;
  };
  EXPECT_EQ(weight("stem"), (Shape{5, 3, 3, 3}));
  EXPECT_EQ(weight("a"), (Shape{3, 5, 1, 1}));
  EXPECT_EQ(weight("b"), (Shape{5, 3, 1, 1}));
  EXPECT_EQ(weight("fc"), (Shape{2, 5}));

  // The weakest channels, which are the last ones, as their shift alone.
  Params masked = *seed.params;
  for (auto [tensor, alive] :
       {std::pair("stem_norm.weight", 5), {"a_norm.weight", 3}, {"b_norm.weight", 5}}) {
    masked.at(tensor).slice(0, alive).zero_();
  }
  const at::Tensor images = at::linspace(-1, 1, 4 * 3 * 8 * 8).view({4, 3, 8, 8}).sin();
  const auto answer = [&](const Graph& graph, const Params& params) {
    GraphModule module(graph, params);
    module.set_training(false);
    return module.forward(images);
  };
  const at::Tensor expected = answer(seed.graph, masked);
  EXPECT_TRUE(at::allclose(answer(small.graph, small.params.value()), expected, 1e-4, 1e-5));
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
  EXPECT_EQ(place.morphnet(shrink + "1 --round-to 4 -o by_four.morph").code, 0);
  const json cost = json::parse(place.morphnet("cost by_four.morph --json").out);
  for (const json& layer : cost.at("layers")) {
    if (layer.at("name") == "fc") continue;
    EXPECT_EQ(layer.at("out").get<int64_t>() % 4, 0) << layer;
  }
  EXPECT_REFUSED(place, shrink + "1 --round-to 0 -o none.morph", 1, "--round-to: expected 1");
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
