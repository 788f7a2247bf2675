#include <string>
#include <vector>

#include "command.h"
#include "graph_text.h"
#include "net_a.h"
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/checkpoint/network_file.h"

namespace morph {
namespace {

using nlohmann::json;
using test::Workplace;

/// `count` numbers, the first `first` of them `a`, the others `b`.
at::Tensor two_values(int64_t count, int64_t first, double a, double b) {
  std::vector<double> values(static_cast<size_t>(count), b);
  std::fill_n(values.begin(), first, a);
  return at::tensor(values, at::kDouble);
}

/// NET-A of the goldens, with its gates.
void write_net_a(const Workplace& place) {
  const Graph graph = graph_of(kNetAToOutputs);
  Params params = initial_params(graph, 0);
  params["bn1.weight"] = two_values(13, 7, 0.8, 0.2);
  params["bn2.weight"] = two_values(23, 11, -0.7, 0.1);
  params["bn3.weight"] = two_values(29, 10, 0.6, -0.3);
  params["bn4.weight"] = two_values(31, 17, -0.5, -0.4);
  write_network(place / "net.morph", {.graph = graph, .params = params});
}

json cost_of(const Workplace& place, const std::string& arguments) {
  const test::Outcome outcome = place.morphnet("cost net.morph --json " + arguments);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return json::parse(outcome.out);
}

json layer_of(const json& report, const std::string& name) {
  for (const json& layer : report.at("layers")) {
    if (layer.at("name") == name) return layer;
  }
  return {};
}

TEST(CliCostGates, GoldenG1toG7AliveNow) {
  const Workplace place("cost_gates");
  write_net_a(place);
  const json report = cost_of(
      place, "--cost flops,weights,channels --gate gamma --threshold 0.45 --compat morph-net");
  const json flops = report.at("costs").at("flops");
  EXPECT_EQ(flops.at("total"), 22610 * 3 * 13 + 646 * 3 * 23 + 1620 * 36 * 29 + 646 * 36 * 31);
  EXPECT_EQ(flops.at("alive"), 985404);
  EXPECT_NEAR(flops.at("term").get<double>(), 1410376.4, 1e-6 * 1410376.4);
  EXPECT_EQ(report.at("costs").at("weights").at("alive"), 2694);
  EXPECT_EQ(report.at("costs").at("channels").at("alive"), 45);
  const std::vector<int> widths = {13, 23, 29, 31};
  const std::vector<int> alive = {7, 11, 10, 17};
  const std::vector<int> costs = {474810, 21318, 291600, 197676};
  for (size_t i = 0; i < widths.size(); ++i) {
    const json layer = layer_of(report, "conv" + std::to_string(i + 1));
    EXPECT_EQ(layer.at("width"), widths[i]);
    EXPECT_EQ(layer.at("alive"), alive[i]);
    EXPECT_EQ(layer.at("costs").at("flops").at("alive"), costs[i]);
  }
  // A channel of conv1 costs 22610 for each of 3 inputs, and is read by 10 and by 17 channels.
  EXPECT_DOUBLE_EQ(flops.at("slopes").at("bn1").get<double>(),
                   13 * (22610 * 3 + 1620 * 10 + 646 * 17));
  EXPECT_EQ(flops.at("slopes").size(), 4U);
}

TEST(CliCostGates, GoldenP12andP13LatencyAliveNow) {
  const Workplace place("cost_latency_gates");
  write_net_a(place);
  const json report =
      cost_of(place, "--cost latency:P100 --gate gamma --threshold 0.45 --compat morph-net");
  const json latency = report.at("costs").at("latency:P100");
  EXPECT_NEAR(latency.at("alive").get<double>(), 515.2515600, 1e-6);
  EXPECT_NEAR(latency.at("term").get<double>(), 461.2671673, 1e-6);
  EXPECT_NEAR(layer_of(report, "conv1").at("costs").at("latency:P100").at("alive").get<double>(),
              51.0548387,
              1e-6);
}

TEST(CliCostGates, OutputsArePinnedByDefault) {
  const Workplace place("cost_gates_default");
  write_net_a(place);
  const json report = cost_of(place, "--cost flops --gate gamma --threshold 0.45");
  EXPECT_EQ(layer_of(report, "conv1").at("alive"), 7);
  EXPECT_EQ(layer_of(report, "conv3").at("alive"), 29);
  EXPECT_EQ(report.at("costs").at("flops").at("slopes").size(), 2U);
}

TEST(CliCostGates, WhatIsKeptIsNotCharged) {
  const Workplace place("cost_gates_keep");
  write_net_a(place);
  const json report =
      cost_of(place, "--cost flops --gate gamma --threshold 0.45 --compat morph-net --keep conv2");
  EXPECT_EQ(layer_of(report, "conv2").at("alive"), 23);
  EXPECT_EQ(layer_of(report, "conv2").at("costs").at("flops").at("term"), 0);
  EXPECT_EQ(layer_of(report, "conv1").at("alive"), 7);
}

TEST(CliCostGates, GoldenS5GroupLasso) {
  const Workplace place("cost_lasso");
  const Graph graph =
      graph_of("x = Input() shape=[1, 3, 3, 3]\ny = Conv(x; weight=[2, 3, 1, 1])\nreturn y\n");
  write_network(place / "net.morph",
                {.graph = graph, .params = Params{{"y.weight", at::full({2, 3, 1, 1}, 1.0)}}});
  const json report =
      cost_of(place, "--cost flops --gate group-lasso --threshold 0.1 --compat morph-net");
  const json expected = {{"total", 108}, {"alive", 108}, {"term", 108}, {"slopes", {{"y", 108.0}}}};
  EXPECT_EQ(report.at("costs").at("flops"), expected);
}

TEST(CliCostGates, GoldenL9GroupLassoOfDenseLayers) {
  const Workplace place("cost_lasso_dense");
  const Graph graph = graph_of(
      "x = Input() shape=[1, 6]\n"
      "fc1 = Gemm(x; weight=[4, 6], bias=[4])\nrelu1 = Relu(fc1)\n"
      "fc2 = Gemm(relu1; weight=[1, 4], bias=[1])\nrelu2 = Relu(fc2)\nreturn relu2\n");
  Params params = initial_params(graph, 0);
  std::vector<double> weights;
  for (int out = 0; out < 4; ++out) {
    for (int in = 0; in < 6; ++in) weights.push_back(4 * in + out);
  }
  params["fc1.weight"] = at::tensor(weights, at::kDouble).reshape({4, 6});
  params["fc2.weight"] = at::tensor({21.0, 22.0, 23.0, 24.0}, at::kDouble).reshape({1, 4});
  write_network(place / "net.morph", {.graph = graph, .params = params});
  const json flops =
      cost_of(place, "--cost flops --gate group-lasso --threshold 32 --compat morph-net")
          .at("costs")
          .at("flops");
  EXPECT_EQ(flops.at("alive"), 0);
  EXPECT_NEAR(flops.at("term").get<double>(), 642.636261, 1e-6 * 642.636261);
}

TEST(CliCost, AnyCostAtAnyBatch) {
  const Workplace place("cost_batch");
  write_net_a(place);
  const auto total = [&](const std::string& cost, const std::string& more) {
    return cost_of(place, "--cost " + cost + " " + more).at("costs").at(cost).at("total");
  };
  EXPECT_EQ(total("flops", "--batch-size 7"), 7 * total("flops", "").get<int64_t>());
  EXPECT_EQ(total("weights", "--batch-size 7"), total("weights", ""));
  EXPECT_EQ(total("memory", "--element-size 8"), 2 * total("memory", "").get<int64_t>());
  EXPECT_EQ(total("latency:peak=9300,bandwidth=732", ""), total("latency:P100", ""));
  const test::Outcome text = place.morphnet(
      "cost net.morph --cost channels,activation-memory --by-layer "
      "--gate gamma --threshold 0.45");
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("activation-memory"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("  channels           96  (96 channels)  alive 78"), std::string::npos)
      << text.out;
}

TEST(CliCost, SaysWhatIsWrong) {
  const Workplace place("cost_errors");
  write_net_a(place);
  EXPECT_REFUSED(place, "cost net.morph --cost flop", 1, "Did you mean 'flops'?");
  EXPECT_REFUSED(place, "cost net.morph --cost flops,", 1, "an entry is empty");
  EXPECT_REFUSED(place, "cost net.morph --cost latency:V10", 1, "Did you mean 'V100'?");
  EXPECT_REFUSED(place, "cost net.morph --compat tensorflow", 1, "there are none and morph-net");
  EXPECT_REFUSED(place, "cost net.morph --batch-size 0", 1, "expected 1 or more");
  EXPECT_REFUSED(place, "cost net.morph --gate beta --threshold 0.1", 1, "gamma");
  EXPECT_REFUSED(place, "cost net.morph --gate gamma", 2, "--threshold");
  EXPECT_REFUSED(place, "cost net.morph --threshold 0.1", 2, "--gate");
  EXPECT_REFUSED(place, "cost net.morph --gate gamma --threshold -1", 1, "expected a number of 0");
  EXPECT_REFUSED(
      place, "cost net.morph --gate group-lasso --threshold 0.1 --l1-fraction 2", 1, "l1");
  EXPECT_REFUSED(place,
                 "cost zoo:resnet8 --gate gamma --threshold 0.1",
                 1,
                 "has no weights to read gates from");
  const Graph plain =
      graph_of("x = Input() shape=[1, 3, 3, 3]\ny = Conv(x; weight=[2, 3, 1, 1])\nreturn y\n");
  write_network(place / "plain.morph", {.graph = plain, .params = initial_params(plain, 0)});
  EXPECT_REFUSED(place, "cost plain.morph --gate gamma --threshold 0.1", 1, "has nothing to prune");
}

}  // namespace
}  // namespace morph
