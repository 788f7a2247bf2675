// Numbers of google-research/morph-net's own tests, and others derived by its rules, for the costs
// of single ops and of its small networks. Each test bears the name of its golden row.
#include <string>

#include "charges.h"
#include "expect_error.h"
#include "graph_text.h"
#include "net_a.h"
#include <gtest/gtest.h>

#include "morph/cost/latency.h"

namespace morph {
namespace {

/// Costs agree to the digits that the goldens are given with, of which the fewest are nine.
constexpr double kDigits = 1e-8;

void expect_digits(double value, double golden) { EXPECT_NEAR(value, golden, kDigits * golden); }

constexpr CostOptions kOriginal{.compat = Compat::kMorphNet};

/// Counts that are given to a node explicitly: alive channels, and sums of r.
struct Counts {
  double in, out, r_in, r_out;
};

struct Charge {
  double cost, term;
};

/// What node y of a graph is charged for explicit counts.
Charge charge(const Graph& graph, const CostModel& model, const Counts& counts) {
  const CostTable table = table_of(graph, model);
  for (CostTable::Row row : table.rows) {
    if (graph[row.node].name != "y") continue;
    row.in = {{.block = 0, .positions = 1}};
    row.out = {{.block = 1, .positions = 1}};
    const CostTable::Slopes slopes = table.slopes(row, {counts.in, counts.out});
    return {.cost = table.cost(row, {counts.in, counts.out}),
            .term = slopes.in * counts.r_in + slopes.out * counts.r_out};
  }
  return {.cost = 0, .term = 0};
}

// NET-E: single ops on an image of 11 × 13.

Graph conv_e() {
  return graph_of(
      "x = Input() shape=[1, 17, 11, 13]\n"
      "y = Conv(x; weight=[19, 17, 7, 5]) pads=[3, 2, 3, 2] strides=[2, 2]\n"
      "return y\n");
}

Graph transposed_e() {
  return graph_of(
      "x = Input() shape=[1, 17, 11, 13]\n"
      "y = ConvTranspose(x; weight=[17, 29, 7, 5]) pads=[3, 2, 3, 2] strides=[2, 2] "
      "output_padding=[1, 1]\n"
      "return y\n");
}

Graph dense_e() {
  return graph_of(
      "x = Input() shape=[1, 19]\n"
      "y = Gemm(x; weight=[23, 19])\n"
      "return y\n");
}

Graph depthwise_e() {
  return graph_of(
      "x = Input() shape=[1, 10, 6, 7]\n"
      "y = Conv(x; weight=[10, 1, 3, 2]) group=10 pads=[1, 0, 1, 1]\n"
      "return y\n");
}

/// One golden row: a node, counts, a batch, and what each cost comes to.
struct ResourceRow {
  Graph graph;
  Counts counts;
  int64_t batch;
  std::map<std::string, Charge> expected;
};

void expect_row(const ResourceRow& row) {
  for (const auto& [cost, expected] : row.expected) {
    SCOPED_TRACE(cost);
    const auto model = make_cost_model(
        cost, {.batch_size = row.batch, .element_bytes = 4, .compat = Compat::kMorphNet});
    const Charge got = charge(row.graph, *model, row.counts);
    EXPECT_EQ(got.cost, expected.cost);
    EXPECT_EQ(got.term, expected.term);
  }
}

TEST(Golden, R1) {
  expect_row({conv_e(),
              {17, 19, 17, 19},
              1,
              {{"flops", {949620, 1899240}},
               {"memory", {58136, 103356}},
               {"weights", {11305, 22610}},
               {"channels", {19, 19}}}});
}

TEST(Golden, R2) {
  expect_row({conv_e(),
              {4, 9, 3, 7},
              32,
              {{"flops", {3386880, 5174400}},
               {"memory", {126640, 100244}},
               {"weights", {1260, 1925}},
               {"channels", {9, 7}}}});
}

TEST(Golden, R3) {
  expect_row({transposed_e(),
              {17, 29, 17, 29},
              1,
              {{"flops", {4934930, 9869860}},
               {"memory", {145096, 214116}},
               {"weights", {17255, 34510}},
               {"channels", {29, 29}}}});
}

TEST(Golden, R3b) {
  const Counts counts{17, 19, 17, 29};
  EXPECT_EQ(charge(transposed_e(), *make_cost_model("flops", kOriginal), counts).term, 8168160);
  EXPECT_EQ(charge(transposed_e(), *make_cost_model("weights", kOriginal), counts).term, 28560);
  EXPECT_EQ(charge(transposed_e(), *make_cost_model("channels", kOriginal), counts).term, 29);
}

TEST(Golden, R4) {
  expect_row({transposed_e(),
              {4, 9, 3, 7},
              32,
              {{"flops", {11531520, 17617600}},
               {"memory", {737200, 575124}},
               {"weights", {1260, 1925}},
               {"channels", {9, 7}}}});
}

TEST(Golden, R5) {
  expect_row({dense_e(),
              {17, 19, 17, 19},
              1,
              {{"flops", {646, 1292}},
               {"memory", {1436, 2728}},
               {"weights", {323, 646}},
               {"channels", {19, 19}}}});
}

TEST(Golden, R6) {
  expect_row({dense_e(),
              {4, 9, 3, 7},
              32,
              {{"flops", {2304, 3520}},
               {"memory", {1808, 1500}},
               {"weights", {36, 55}},
               {"channels", {9, 7}}}});
}

TEST(Golden, R7) {
  expect_row({depthwise_e(),
              {10, 10, 10, 10},
              1,
              {{"flops", {5040, 10080}}, {"weights", {60, 120}}, {"channels", {10, 10}}}});
}

TEST(Golden, R8) {
  expect_row({depthwise_e(),
              {4, 9, 3, 7},
              32,
              {{"flops", {145152, 161280}}, {"weights", {54, 60}}, {"channels", {9, 7}}}});
}

TEST(Golden, R7IsChargedOnceByDefault) {
  const Counts all{10, 10, 10, 10};
  EXPECT_EQ(charge(depthwise_e(), *make_cost_model("flops"), all).term, 5040);
  EXPECT_EQ(charge(depthwise_e(), *make_cost_model("weights"), all).term, 60);
}

TEST(Golden, R9) {
  const Counts all{10, 10, 10, 10};
  EXPECT_EQ(charge(depthwise_e(), *make_cost_model("memory", kOriginal), all).cost, 5760);
  EXPECT_EQ(charge(depthwise_e(), *make_cost_model("memory"), all).cost, 3600);
}

TEST(Golden, R10) {
  const Charge one = charge(conv_e(), *make_cost_model("flops", kOriginal), {1, 1, 0, 0});
  EXPECT_EQ(one.cost, 2940);
}

constexpr const char* kVideo =
    "x = Input() shape=[1, 17, 15, 12, 13]\n"
    "y = Conv(x; weight=[10, 17, 7, 5, 3]) pads=[3, 2, 1, 3, 2, 1] strides=[2, 2, 2]\n"
    "return y\n";

TEST(Golden, R11) {
  for (const CostOptions& options : {CostOptions{}, kOriginal}) {
    EXPECT_EQ(charge(graph_of(kVideo), *make_cost_model("flops", options), {1, 1, 0, 0}).cost,
              70560);
  }
}

TEST(Golden, R11MemoryOfThreeDimensionalWeights) {
  // 15 · 12 · 13 positions read, 8 · 6 · 7 written. The original takes the weights, kept as
  // [7, 5, 3, 17, 10], for one more input with 5 · 3 · 17 places.
  const Counts counts{9, 4, 0, 0};
  EXPECT_EQ(charge(graph_of(kVideo), *make_cost_model("memory", kOriginal), counts).cost,
            4 * (2340 * 9 + 255 * 9 + 336 * 4));
  EXPECT_EQ(charge(graph_of(kVideo), *make_cost_model("memory"), counts).cost,
            4 * (2340 * 9 + 105 * 9 * 4 + 336 * 4));
}

/// Two maps of 19 and 11 channels put together.
constexpr const char* kConcat =
    "x = Input() shape=[1, 3, 6, 7]\n"
    "a = Conv(x; weight=[19, 3, 1, 1])\n"
    "b = Conv(x; weight=[11, 3, 1, 1])\n"
    "y = Concat(a, b) axis=1\n"
    "return y\n";

TEST(Golden, R12) {
  for (const char* cost : {"flops", "weights", "channels"}) {
    for (const CostOptions& options : {CostOptions{}, kOriginal}) {
      const Charge got =
          charge(graph_of(kConcat), *make_cost_model(cost, options), {30, 30, 30, 30});
      EXPECT_EQ(got.cost, 0) << cost;
      EXPECT_EQ(got.term, 0) << cost;
    }
  }
}

TEST(Golden, R13) {
  const Graph graph = graph_of(kConcat);
  for (const Compat compat : {Compat::kNone, Compat::kMorphNet}) {
    const CostTable table = table_of(graph, *make_cost_model("memory", {.compat = compat}));
    const Charges got = charges(graph, table, {3, 19, 11}, {0, 19, 11});
    EXPECT_EQ(got.cost.at("y"), 10080);
    EXPECT_EQ(got.term.at("y"), 10080);
  }
}

TEST(Golden, R14) {
  const Graph graph = graph_of(kConcat);
  for (const Compat compat : {Compat::kNone, Compat::kMorphNet}) {
    const CostTable table =
        table_of(graph, *make_cost_model("memory", {.batch_size = 32, .compat = compat}));
    const Charges got = charges(graph, table, {3, 15, 7}, {0, 12, 6});
    EXPECT_EQ(got.cost.at("y"), 236544);
    EXPECT_EQ(got.term.at("y"), 193536);
  }
}

TEST(Golden, R15) {
  EXPECT_ERROR(make_cost_model("latency:apple"),
               "unknown device 'apple'; known: K80, P4, T4, P100, V100, TPUv2, FLOP_LATENCY, "
               "MEMORY_LATENCY, A100");
  EXPECT_ERROR(make_cost_model("latency:"), "unknown device ''; known: K80, P4");
  EXPECT_ERROR(make_cost_model("latency:V100", {.batch_size = 0}),
               "batch size: expected 1 or more, got 0");
}

/// A latency row: cost and term in nanoseconds at a peak and a bandwidth.
void expect_latency(const Graph& graph,
                    const Counts& counts,
                    const Roofline& roofline,
                    const Charge& expected) {
  const int64_t batch = counts.in == 4 ? 32 : 1;
  const Latency model(
      "test", roofline, {.batch_size = batch, .element_bytes = 4, .compat = Compat::kMorphNet});
  const Charge got = charge(graph, model, counts);
  expect_digits(got.cost, expected.cost);
  expect_digits(got.term, expected.term);
}

constexpr Counts kFull{17, 19, 17, 19};
constexpr Counts kSome{4, 9, 3, 7};  // At batch 32.

TEST(Golden, L1) { expect_latency(conv_e(), kFull, {1, 1}, {949620, 1899240}); }
TEST(Golden, L2) { expect_latency(conv_e(), kSome, {1000, 2000}, {3386.88, 5174.4}); }
TEST(Golden, L3) { expect_latency(conv_e(), kSome, {1000, 20}, {6332.0, 5012.2}); }
TEST(Golden, L4) { expect_latency(transposed_e(), kSome, {1000, 20}, {36860.0, 28756.2}); }
TEST(Golden, L5) { expect_latency(dense_e(), kFull, {1, 1}, {1436, 2728}); }
TEST(Golden, L6) { expect_latency(dense_e(), kSome, {1000, 2000}, {2.304, 3.52}); }
TEST(Golden, L7) { expect_latency(dense_e(), kSome, {1000, 20}, {90.4, 75.0}); }

/// Alive channels and Σ|γ| of the image and the four convolutions at threshold 0.45.
const std::vector<double> kAliveA = {3, 7, 11, 10, 17};
const std::vector<double> kSumsA = {0, 6.8, 8.9, 11.7, 14.1};

Charges net_a(const char* cost, const CostOptions& options = kOriginal) {
  const Graph graph = graph_of(kNetAToOutputs);
  return charges(graph, table_of(graph, *make_cost_model(cost, options)), kAliveA, kSumsA);
}

/// A row for each convolution, under both rules: they agree where only convolutions are charged.
void expect_convolutions(const char* cost, std::vector<double> costs, std::vector<double> terms) {
  for (const CostOptions& options : {CostOptions{}, kOriginal}) {
    const Charges got = net_a(cost, options);
    for (size_t i = 0; i < 4; ++i) {
      const std::string name = "conv" + std::to_string(i + 1);
      EXPECT_EQ(got.cost.at(name), costs[i]) << name;
      EXPECT_DOUBLE_EQ(got.term.at(name), terms[i]) << name;
    }
    EXPECT_EQ(got.cost.size(), 4U);
  }
}

TEST(Golden, G1toG4AndG7) {
  expect_convolutions(
      "flops", {474810, 21318, 291600, 197676}, {461244, 17248.2, 595512, 336372.2});
  expect_digits(Charges::sum(net_a("flops").term), 1410376.4);
}

TEST(Golden, G5) {
  const Charges got = net_a("flops");
  EXPECT_EQ(got.cost.at("conv3") + got.cost.at("conv4"), 489276);
}

TEST(Golden, S1) {
  const Charges got = net_a("weights");
  EXPECT_EQ(got.cost.at("conv1"), 735);
  EXPECT_EQ(got.cost.at("conv2"), 33);
  EXPECT_EQ(got.cost.at("conv3"), 1620);
  EXPECT_EQ(got.cost.at("conv4"), 306);
  EXPECT_EQ(Charges::sum(got.cost), 2694);
}

/// One convolution 1 × 1 from 3 to 2 channels with both |γ| = 1: cost, and term before any
/// decorator.
Charge net_s(const char* cost, int side) {
  const std::string image = std::to_string(side);
  const Graph graph = graph_of("x = Input() shape=[1, 3, " + image + ", " + image +
                               "]\n"
                               "y = Conv(x; weight=[2, 3, 1, 1])\n"
                               "return y\n");
  return charge(graph, *make_cost_model(cost, kOriginal), {3, 2, 0, 2});
}

TEST(Golden, S3) {
  EXPECT_EQ(net_s("weights", 1).cost, 6);
  EXPECT_EQ(0.5 * net_s("weights", 1).term, 3);
}

TEST(Golden, S4) {
  EXPECT_EQ(net_s("flops", 3).cost, 108);
  EXPECT_EQ(0.5 * net_s("flops", 3).term, 54);
}

TEST(Golden, A1andA2) { expect_convolutions("channels", {7, 11, 10, 17}, {6.8, 8.9, 11.7, 14.1}); }

TEST(Golden, A4) {
  std::string text = kNetAToOutputs;
  text.replace(text.find("return"),
               std::string::npos,
               "conv5 = Conv(relu3; weight=[11, 29, 1, 1])\n"
               "return conv5\n");
  const Graph graph = graph_of(text);
  // Conv4 leads to no output; its channels are a block all the same.
  const Charges got = charges(graph,
                              table_of(graph, *make_cost_model("channels", kOriginal)),
                              {3, 7, 11, 10, 17, 11},
                              {0, 6.8, 8.9, 11.7, 14.1, 0});
  EXPECT_EQ(got.cost.at("conv5"), 11);
  EXPECT_EQ(got.term.at("conv5"), 0);
  EXPECT_EQ(got.term.at("conv3"), 11.7);
  EXPECT_EQ(got.cost.count("conv4"), 0U);
}

TEST(Golden, P1toP5) {
  const Charges got = net_a("latency:P100");
  expect_digits(got.cost.at("conv1"), 51.0548387);
  expect_digits(got.cost.at("conv2"), 24.8907104);
  expect_digits(got.cost.at("conv3"), 45.5409836);
  expect_digits(got.cost.at("conv4"), 63.4480874);
  expect_digits(got.cost.at("conv3") + got.cost.at("conv4"), 108.9890710);
}

TEST(Golden, P6toP9) {
  const Charges got = net_a("latency:P100");
  expect_digits(got.term.at("conv1"), 49.5961290);
  expect_digits(got.term.at("conv2"), 15.8546448);
  expect_digits(got.term.at("conv3"), 51.5437158);
  expect_digits(got.term.at("conv4"), 55.4431694);
}

TEST(Golden, P10) {
  const Charges got = net_a("latency:P100");
  const std::vector<double> expected = {24.0043716, 31.4174863, 11.5081967, 49.7737705};
  for (size_t i = 0; i < expected.size(); ++i) {
    expect_digits(got.term.at("relu" + std::to_string(i + 1)), expected[i]);
    expect_digits(got.term.at("bn" + std::to_string(i + 1)), expected[i]);
  }
}

TEST(Golden, P11) { expect_digits(net_a("latency:P100").term.at("cat"), 55.4218579); }

TEST(Golden, P12) {
  const Charges got = net_a("latency:P100");
  double convolutions = 0;
  for (const char* name : {"conv1", "conv2", "conv3", "conv4"}) convolutions += got.term.at(name);
  expect_digits(convolutions, 172.4376591);
  expect_digits(Charges::sum(got.term), 461.2671673);
}

TEST(Golden, P13) { expect_digits(Charges::sum(net_a("latency:P100").cost), 515.2515600); }

TEST(Golden, FlopAndMemoryLatencyAreTheCostsThemselves) {
  for (const CostOptions& options : {CostOptions{}, kOriginal}) {
    EXPECT_DOUBLE_EQ(Charges::sum(net_a("latency:FLOP_LATENCY", options).cost),
                     Charges::sum(net_a("flops", options).cost));
    EXPECT_DOUBLE_EQ(Charges::sum(net_a("latency:MEMORY_LATENCY", options).cost),
                     Charges::sum(net_a("memory", options).cost));
  }
}

// NET-B: depthwise convolutions with and without BatchNormalization.

constexpr const char* kNetB = R"(
image = Input() shape=[1, 3, 17, 19]
dw1 = Conv(image; weight=[3, 1, 3, 3]) group=3 pads=[1, 1, 1, 1]
conv1 = Conv(dw1; weight=[13, 3, 7, 5]) pads=[3, 2, 3, 2]
conv2 = Conv(image; weight=[23, 3, 1, 1])
dw2 = Conv(conv2; weight=[23, 1, 5, 5]) group=23 pads=[2, 2, 2, 2]
cat = Concat(conv1, dw2) axis=1
conv3 = Conv(cat; weight=[29, 36, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
return conv3
)";

Charges net_b(const std::vector<double>& sums, const CostOptions& options) {
  const Graph graph = graph_of(kNetB);
  return charges(graph, table_of(graph, *make_cost_model("flops", options)), {3, 7, 11, 10}, sums);
}

TEST(Golden, D1) { EXPECT_EQ(net_b({0, 6.8, 13.3, 11.7}, kOriginal).cost.at("dw1"), 17442); }

TEST(Golden, D3) {
  const Charges got = net_b({0, 6.8, 13.3, 11.7}, kOriginal);
  EXPECT_EQ(got.term.at("dw1"), 0);
  expect_digits(got.term.at("conv1"), 461244);
  expect_digits(got.term.at("conv2"), 25775.4);
  expect_digits(got.term.at("dw2"), 429590);
  expect_digits(net_b({0, 6.8, 13.3, 11.7}, {}).term.at("dw2"), 0.5 * 429590);
}

TEST(Golden, D5) {
  const Charges got = net_b({0, 6.8, 8.9, 11.7}, kOriginal);
  EXPECT_EQ(got.cost.at("dw1"), 17442);
  EXPECT_EQ(got.cost.at("conv1"), 474810);
  EXPECT_EQ(got.cost.at("conv2"), 21318);
  EXPECT_EQ(got.cost.at("dw2"), 177650);
  EXPECT_EQ(got.cost.at("conv3"), 291600);
}

}  // namespace
}  // namespace morph
