#include "morph/learn/learn.h"

#include <string>

#include "expect_error.h"
#include "tiny_run.h"
#include <ATen/ops/equal.h>

#include "morph/learn/run_record.h"
#include "morph/transform/shrink.h"

namespace morph {
namespace {

constexpr double kSeedFlops = 228352;

LearnOptions with(const std::vector<std::string>& budgets) {
  LearnOptions options = test::tiny_options();
  options.budgets.clear();
  for (const std::string& text : budgets) options.budgets.push_back(parse_budget(text));
  return options;
}

TEST(ValidateLearnOptions, NamesWhatDoesNotMakeSense) {
  validate(test::tiny_options());
  EXPECT_ERROR(validate(with({})),
               "nothing says how small the network should get: give --budget, such as --budget "
               "flops=0.5x, or --strength");
  LearnOptions options = with({});
  options.strength = 1e-9;
  EXPECT_ERROR(validate(options), "--strength without --budget needs --cost");
  options.costs = {"flops"};
  validate(options);
  options.strength = -1;
  EXPECT_ERROR(validate(options), "--strength: expected 0 or more, got -1");
  options = test::tiny_options();
  options.rounds = -1;
  EXPECT_ERROR(validate(options), "--rounds: expected 1 or more, or auto, got -1");
  options.rounds = LearnOptions::kUntilConvergence;
  EXPECT_ERROR(validate(options), "it needs --expand");
  options = test::tiny_options();
  options.stable_epochs = -1;
  EXPECT_ERROR(validate(options), "--stable-epochs: expected 0 or more, got -1");
  options = test::tiny_options();
  options.min_branch = 2;
  EXPECT_ERROR(validate(options), "--min-branch: expected a share from 0 to 1, got 2");
  options = test::tiny_options();
  options.threshold = 0;
  EXPECT_ERROR(validate(options), "--threshold: expected a number above 0, got 0");
  options = test::tiny_options();
  options.round_to = 0;
  EXPECT_ERROR(validate(options), "--round-to: expected 1 or more, got 0");
  options = test::tiny_options();
  options.retrain.epochs = 0;
  EXPECT_ERROR(validate(options), "--retrain-epochs 0 leaves the learned network as it was cut");
}

TEST(ValidateLearnOptions, NamesWhatNeedsAnother) {
  LearnOptions options = test::tiny_options();
  options.inherit_wide = true;
  EXPECT_ERROR(validate(options), "it needs --expand");
  options = test::tiny_options();
  options.inherited_rate = 0.01;
  EXPECT_ERROR(validate(options), "it needs --inherit");
  options.inherit = true;
  validate(options);
  EXPECT_EQ(describe(options).at("retrain_learning_rate"), 0.01);
}

TEST(DescribeLearnOptions, SaysAllOfThem) {
  LearnOptions options = with({"flops=0.5x", "params=1k"});
  options.expand = parse_budget("flops=1x");
  options.strength = 0.25;
  options.compare = {Comparison::kSeed, Comparison::kUniform};
  const nlohmann::json json = describe(options);
  EXPECT_EQ(json.at("budgets").dump(), R"(["flops=0.5x","params=1 k"])");
  EXPECT_EQ(json.at("costs").dump(), R"(["flops","params"])");
  EXPECT_EQ(json.at("compare").dump(), R"(["seed","uniform"])");
  EXPECT_EQ(json.at("expand"), "flops=1x");
  EXPECT_EQ(json.at("strength"), 0.25);
  EXPECT_EQ(json.at("structure").at("epochs"), 3);
  EXPECT_EQ(json.at("retrain").at("epochs"), 2);
}

/// A whole run in a scratch folder called `name`.
LearnResult run(const std::string& name, const LearnOptions& options) {
  const test::ScratchFolder scratch("learn_" + name);
  test::TinyRun tiny(scratch.path());
  return learn(tiny.session(), test::seed_network(), options);
}

double flops(const LearnResult& result, const char* network) {
  return result.networks.at(network).costs.at("flops");
}

void expect_within_half(const LearnResult& result) {
  EXPECT_LE(flops(result, "learned"), 0.5 * kSeedFlops);
  EXPECT_GE(flops(result, "learned"), 0.97 * 0.5 * kSeedFlops);
  // In single precision both networks agree to about 1e-6; the bound is the project's promise.
  EXPECT_LT(result.equivalence, 1e-5);
}

TEST(Learn, FindsANetworkWithinItsBudget) {
  LearnOptions options = test::tiny_options();
  options.structure.epochs = 15;
  const LearnResult result = run("budget", options);
  EXPECT_EQ(flops(result, "seed"), kSeedFlops);
  expect_within_half(result);
  EXPECT_EQ(result.networks.size(), 2U);
  const TrainedNetwork& learned = result.networks.at("learned");
  EXPECT_EQ(learned.graph[learned.graph.find("fc").value()].shape, (Shape{1, 4}));
  EXPECT_GT(learned.result->top1, 50);  // By chance: 25.
  EXPECT_EQ(learned.epochs, 2);
  EXPECT_EQ(learned.note, "from fresh weights");
  EXPECT_EQ(result.networks.at("seed").epochs, 2);
  EXPECT_GT(result.networks.at("seed").result->top1, 50);

  ASSERT_EQ(result.phases.size(), 3U);
  EXPECT_EQ(result.phases[0].name, "seed");
  EXPECT_EQ(result.phases[1].name, "structure-1");
  EXPECT_EQ(result.phases[1].limits.at("flops"), 0.5);
  EXPECT_EQ(result.phases[2].name, "learned");
  const nlohmann::json& last = result.phases[1].epochs.back().extra;
  EXPECT_LT(last.at("cost.flops").get<double>(), 0.7);
  EXPECT_GT(last.at("strength.flops").get<double>(), 0);
}

TEST(Learn, TheStructureIsThatOfTheLearnedNetwork) {
  const LearnResult result = run("structure", test::tiny_options());
  const Graph seed = test::seed_network().graph;
  const ChannelGroups groups = find_channel_groups(seed);
  const Structure& structure = result.structure;
  alive_sets(seed, groups, structure);  // Throws if it does not fit.
  const Graph& learned = result.networks.at("learned").graph;
  for (const auto& [name, layer] : structure.layers) {
    const Node& node = learned[learned.find(name).value()];
    EXPECT_EQ(node.params.at("weight").shape[0], layer.alive_width()) << name;
    EXPECT_EQ(layer.threshold, result.threshold);
  }
  EXPECT_EQ(structure.layers.at("fc").cost.at("params"),
            4.0 * static_cast<double>(structure.layers.at("conv2").alive_width()) + 4);
}

TEST(Learn, MeetsSeveralBudgetsAtOnce) {
  const LearnResult result = run("several", with({"flops=0.6x", "params=4000"}));
  const double params = result.networks.at("learned").costs.at("params");
  EXPECT_LE(flops(result, "learned"), 0.6 * kSeedFlops);
  EXPECT_LE(params, 4000);
  EXPECT_GE(std::max(flops(result, "learned") / (0.6 * kSeedFlops), params / 4000), 0.97);
  ASSERT_EQ(result.budget_used.size(), 2U);
  EXPECT_DOUBLE_EQ(result.budget_used.at("params=4 k"), params / 4000);
}

TEST(Learn, AChargedCostWithoutABudgetFollowsTheBudget) {
  LearnOptions options = with({"flops=0.5x"});
  options.costs = {"channels"};
  options.structure.epochs = 8;
  const LearnResult result = run("plain", options);
  expect_within_half(result);
  const nlohmann::json& last = result.phases[1].epochs.back().extra;
  EXPECT_LT(last.at("cost.flops").get<double>(), 0.8);
  EXPECT_EQ(last.at("target.flops"), 0.5);
  EXPECT_TRUE(last.contains("strength.channels"));
  EXPECT_FALSE(last.contains("strength.flops"));
  EXPECT_TRUE(result.networks.at("learned").costs.contains("channels"));
}

TEST(Learn, InheritedBesideScratchAndUniform) {
  LearnOptions options = test::tiny_options();
  options.inherit = true;
  options.compare = {Comparison::kSeed, Comparison::kUniform, Comparison::kScratch};
  const LearnResult result = run("compare", options);
  expect_within_half(result);
  EXPECT_EQ(result.networks.size(), 4U);
  EXPECT_EQ(result.networks.at("learned").epochs, 5);
  EXPECT_EQ(result.networks.at("learned").note, "weights inherited");
  EXPECT_EQ(result.networks.at("scratch").epochs, 2);
  EXPECT_EQ(result.networks.at("scratch").graph, result.networks.at("learned").graph);
  EXPECT_EQ(result.networks.at("uniform").epochs, 2);
  EXPECT_LE(flops(result, "uniform"), flops(result, "learned"));
  EXPECT_NE(result.networks.at("uniform").note.find("the seed's widths times 0."),
            std::string::npos);
}

TEST(Learn, UniformSpendsWhatTheLearnedNetworkDoesOfTheScarcestResource) {
  LearnOptions options = with({"flops=0.9x", "params=0.3x"});
  options.compare = {Comparison::kUniform};
  const LearnResult result = run("uniform", options);
  EXPECT_LT(result.budget_used.at("flops=0.9x"), result.budget_used.at("params=0.3x"));
  const auto params = [&](const char* network) {
    return result.networks.at(network).costs.at("params");
  };
  EXPECT_LE(params("uniform"), params("learned"));
  EXPECT_GE(params("uniform"), 0.85 * params("learned"));  // A step of its widths is a tenth.
}

TEST(Learn, WithoutRetrainingTheCutNetworkComesOut) {
  LearnOptions options = with({"flops=0.5x"});
  options.inherit = true;
  options.compare = {};
  options.retrain.epochs = 0;
  const LearnResult result = run("cut", options);
  expect_within_half(result);
  const TrainedNetwork& learned = result.networks.at("learned");
  EXPECT_EQ(learned.epochs, options.structure.epochs);
  EXPECT_EQ(learned.result->top1, result.after_cut.top1);
  ASSERT_EQ(result.phases.size(), 1U);
  EXPECT_EQ(result.phases[0].name, "structure-1");
}

TEST(Learn, TwoRoundsOfShrinkingAndExpanding) {
  LearnOptions options = test::tiny_options();
  options.rounds = 2;
  options.expand = parse_budget("flops=1.0x");
  const LearnResult result = run("rounds", options);
  expect_within_half(result);
  EXPECT_LE(flops(result, "expanded"), kSeedFlops);
  EXPECT_GT(flops(result, "expanded"), 0.8 * kSeedFlops);
  ASSERT_EQ(result.phases.size(), 5U);
  EXPECT_EQ(result.phases[2].name, "structure-2");
  EXPECT_EQ(shrink(result.structure_of, result.structure).graph,
            result.networks.at("learned").graph);
  EXPECT_EQ(result.phases[4].name, "expanded");
}

TEST(Learn, RoundsGoOnUntilTheWidthsHardlyChangeButNotForEver) {
  LearnOptions options = test::tiny_options();
  options.rounds = LearnOptions::kUntilConvergence;
  options.expand = parse_budget("flops=0.6x");
  const LearnResult result = run("auto", options);
  expect_within_half(result);
  ASSERT_GE(result.changes.size(), 1U);
  ASSERT_LE(result.changes.size(), 5U);
  EXPECT_TRUE(result.changes.back() < 0.05 || result.changes.size() == 5);
  for (size_t i = 0; i + 1 < result.changes.size(); ++i) EXPECT_GE(result.changes[i], 0.05);
  EXPECT_EQ(result.phases.at(result.changes.size() + 1).name,
            cat("structure-", result.changes.size() + 1));
  EXPECT_EQ(describe(options).at("rounds"), "auto");
}

TEST(Learn, TheSeedTeachesWhatComesOut) {
  LearnOptions options = test::tiny_options();
  options.inherit = true;
  options.expand = parse_budget("flops=0.8x");
  options.inherit_wide = true;
  options.inherited_rate = 0.02;
  options.retrain.distillation = 0.5;
  const LearnResult result = run("taught", options);
  expect_within_half(result);
  EXPECT_EQ(result.networks.at("expanded").note, "weights inherited, taught");
  EXPECT_EQ(result.networks.at("expanded").epochs, result.networks.at("learned").epochs);
  // The seed has no teacher and its own rate; what inherits has the other, both warm-ups over.
  EXPECT_EQ(result.phases[0].name, "seed");
  const double ratio =
      result.phases[2].epochs[0].learning_rate / result.phases[0].epochs[0].learning_rate;
  EXPECT_NEAR(ratio, 0.02 / options.retrain.learning_rate, 1e-9);

  LearnOptions alone = options;
  alone.compare = {};
  const test::ScratchFolder scratch("learn_untaught");
  test::TinyRun tiny(scratch.path());
  EXPECT_ERROR(learn(tiny.session(), test::seed_network(), alone),
               "--distill needs a trained network to teach");
}

TEST(Learn, AnotherNetworkTeachesWhereOneIsGiven) {
  LearnOptions options = test::tiny_options();
  options.compare = {};
  options.retrain.distillation = 1;
  const TrainedNetwork seed = run("teacher", test::tiny_options()).networks.at("seed");
  // The word of a teacher that knows nothing is all there is to learn from, so nothing is learned.
  Params silent = seed.params;
  for (const char* name : {"fc.weight", "fc.bias"}) silent.at(name) = silent.at(name).mul(0);
  options.teacher = Network{.graph = seed.graph, .params = seed.params};
  const double taught = run("well_taught", options).networks.at("learned").result->top1;
  options.teacher->params = silent;
  const double untaught = run("ill_taught", options).networks.at("learned").result->top1;
  EXPECT_GT(taught, untaught + 20);
}

TEST(Learn, AnExpandedNetworkBeginsWithWhatWasLearned) {
  LearnOptions options = test::tiny_options();
  options.inherit = true;
  options.expand = parse_budget("flops=0.8x");
  options.inherit_wide = true;
  options.inherited_rate = 1e-9;  // Hardly moves.
  options.retrain.weight_decay = 0;
  const LearnResult result = run("wide", options);
  EXPECT_NEAR(result.networks.at("expanded").result->loss,
              result.networks.at("learned").result->loss,
              0.05);
  EXPECT_GT(flops(result, "expanded"), 1.2 * flops(result, "learned"));
}

TEST(Learn, WidthsAreRoundedAtTheCut) {
  LearnOptions options = with({"flops=0.6x"});
  options.round_to = 4;
  options.compare = {Comparison::kUniform};
  const LearnResult result = run("rounded", options);
  EXPECT_LE(flops(result, "learned"), 0.6 * kSeedFlops);
  for (const auto& [name, layer] : result.structure.layers) {
    EXPECT_EQ(layer.alive_width() % 4, 0) << name;
    const Graph& uniform = result.networks.at("uniform").graph;
    EXPECT_EQ(uniform[*uniform.find(name)].params.at("weight").shape[0] % 4, 0) << name;
  }
}

TEST(Learn, EndsEarlyWhereTheStructureIsStable) {
  LearnOptions options = test::tiny_options();
  options.budgets.clear();
  options.costs = {"flops"};
  options.strength = 0;
  options.inherit = true;
  options.structure.epochs = 10;
  options.stable_epochs = 2;
  const LearnResult result = run("stable", options);
  // After 7 of 10 epochs a structure may be called stable, after 8 it has been so twice.
  EXPECT_EQ(result.phases[1].epochs.size(), 8U);
  EXPECT_EQ(result.phases[1].end, "ended after 8 of 10 epochs, its structure stable for 2");
  EXPECT_EQ(result.networks.at("learned").epochs, 10);
  options.stable_epochs = 0;
  const LearnResult whole = run("unstable", options);
  EXPECT_EQ(whole.phases[1].epochs.size(), 10U);
  EXPECT_EQ(whole.phases[1].end, "");
}

TEST(Learn, WithAFixedStrengthAndNoBudget) {
  LearnOptions options = with({});
  options.costs = {"flops"};
  options.strength = 1e-5;
  options.threshold = 0.05;
  const LearnResult result = run("strength", options);
  EXPECT_EQ(result.threshold, 0.05);
  for (const EpochReport& epoch : result.phases[1].epochs) {
    EXPECT_DOUBLE_EQ(epoch.extra.at("strength.flops").get<double>(), 1e-5);
  }
  EXPECT_LE(flops(result, "learned"), kSeedFlops);
}

TEST(Learn, ATrainedSeedIsJudgedAsItIs) {
  const test::ScratchFolder scratch("learn_trained");
  test::TinyRun tiny(scratch.path());
  Network seed = test::seed_network();
  seed.params = initial_params(seed.graph, 3);
  const LearnResult result = learn(tiny.session(), seed, test::tiny_options());
  EXPECT_EQ(result.networks.at("seed").note, "as given");
  EXPECT_EQ(result.networks.at("seed").epochs, 0);
  EXPECT_TRUE(result.networks.at("seed").result.has_value());
  for (const auto& [name, tensor] : result.networks.at("seed").params) {
    EXPECT_TRUE(at::equal(tensor, seed.params->at(name))) << name;
  }
  EXPECT_EQ(result.phases.front().name, "structure-1");
}

TEST(Learn, ImpossibleBudgetIsRefusedBeforeAnythingIsTrained) {
  const test::ScratchFolder scratch("learn_impossible");
  test::TinyRun tiny(scratch.path());
  // One channel each: 2 · (36 · 27 + 9 · 9 + 4) FLOPs.
  EXPECT_ERROR(learn(tiny.session(), test::seed_network(), with({"flops=0.001x"})),
               "budget flops=228.4 cannot be reached: the nearest is 2.114 k FLOPs");
  EXPECT_EQ(tiny.printed(), "");
  const RunFolder again(scratch.path(), ExistingRun::kRefuse);  // Holds no run.
}

TEST(Learn, NothingToPrune) {
  const test::ScratchFolder scratch("learn_nothing");
  test::TinyRun tiny(scratch.path());
  const Network plain{.graph = infer_shapes(parse_graph(
                          "morph 1\nnetwork plain\nx = Input() shape=[1, 3, 12, 12]\nflat = "
                          "Flatten(x)\nfc = Gemm(flat; weight=[4, 432])\nreturn fc\n"))};
  EXPECT_ERROR(learn(tiny.session(), plain, test::tiny_options()), "has nothing to prune");
}

void expect_same_networks(const LearnResult& a, const LearnResult& b) {
  ASSERT_EQ(a.networks.size(), b.networks.size());
  for (const auto& [name, network] : a.networks) {
    SCOPED_TRACE(name);
    const TrainedNetwork& other = b.networks.at(name);
    EXPECT_EQ(network.graph, other.graph);
    EXPECT_EQ(network.result->top1, other.result->top1);
    for (const auto& [tensor, values] : network.params) {
      EXPECT_TRUE(at::equal(values, other.params.at(tensor))) << tensor;
    }
  }
  EXPECT_EQ(a.structure, b.structure);
  EXPECT_EQ(a.equivalence, b.equivalence);
}

class LearnInterrupted : public ::testing::TestWithParam<const char*> {};

TEST_P(LearnInterrupted, GoesOnAsIfNothingHadBeen) {
  LearnOptions options = test::tiny_options();
  options.inherit = true;
  const std::string phase = GetParam();
  const LearnResult through = run("through_" + phase, options);

  const test::ScratchFolder scratch("learn_interrupted_" + phase);
  {
    test::TinyRun first(scratch.path(), ExistingRun::kRefuse, phase);
    EXPECT_THROW(learn(first.session(), test::seed_network(), options), Interrupted);
  }
  test::TinyRun second(scratch.path(), ExistingRun::kResume);
  LearnOptions other = options;
  other.budgets = {parse_budget("flops=0.4x")};
  EXPECT_ERROR(learn(second.session(), test::seed_network(), other),
               "options/budgets/0 = \"flops=0.5x\", this one has \"flops=0.4x\"");
  expect_same_networks(learn(second.session(), test::seed_network(), options), through);
}

INSTANTIATE_TEST_SUITE_P(Phases,
                         LearnInterrupted,
                         ::testing::Values("seed", "structure-1", "learned"));

TEST(RunJson, IsTheContract) {
  LearnOptions options = test::tiny_options();
  options.expand = parse_budget("flops=0.8x");
  const LearnResult result = run("record", options);
  const RunContext context{.title = "learner on stripes",
                           .command = "morphnet learn x",
                           .started = "2026-01-31T12:00:00Z",
                           .seconds = 12.5,
                           .device = "CPU",
                           .versions = {{"morphnet", "0.1"}}};
  const RunReport report = make_run_report(context, options, result);
  const nlohmann::json json = make_run_json(report, options, result);
  for (const char* name : {"seed", "learned", "expanded"}) {
    const nlohmann::json& network = json.at("result").at(name);
    EXPECT_EQ(network.at("flops"), flops(result, name));
    EXPECT_EQ(network.at("params"), result.networks.at(name).costs.at("params"));
    EXPECT_EQ(network.at("top1"), result.networks.at(name).result->top1);
    EXPECT_EQ(network.at("epochs"), 2);
  }
  EXPECT_EQ(json.at("equivalence"), result.equivalence);
  EXPECT_EQ(json.at("threshold"), result.threshold);
  EXPECT_EQ(json.at("options"), describe(options));
  EXPECT_EQ(json.at("epochs").at("structure-1").size(), 3U);
  EXPECT_EQ(report_from_json(json), report);

  EXPECT_EQ(report.budget, "flops=0.5x, expanded to flops=0.8x");
  ASSERT_EQ(report.layers.size(), 3U);
  EXPECT_EQ(report.layers[0].name, "conv1");
  EXPECT_EQ(report.layers[0].seed_width, 32);
  EXPECT_EQ(report.layers[0].seed_cost.at("flops"), 62208);
  EXPECT_EQ(report.layers[2].pinned, "network output");
  EXPECT_EQ(report.pinned, (std::vector<Pinned>{{"fc", "network output"}}));
  EXPECT_EQ(report.settings.at("structure.epochs"), "3");
}

TEST(FormatSummary, HasALineForEachNetwork) {
  RunReport report;
  report.networks = {{.name = "seed", .costs = {{"flops", 2e6}, {"params", 1000}}, .epochs = 3},
                     {.name = "learned",
                      .costs = {{"flops", 1e6}, {"params", 500}},
                      .top1 = 91.234,
                      .epochs = 4,
                      .note = "from fresh weights"}};
  const std::string text = format_summary(report);
  EXPECT_NE(text.find("seed"), std::string::npos);
  EXPECT_NE(text.find("1 M   0.500x"), std::string::npos) << text;
  EXPECT_NE(text.find("91.23"), std::string::npos) << text;
  EXPECT_NE(text.find("from fresh weights\n"), std::string::npos) << text;
}

TEST(FormatSummary, ShowsWhatElseHadABudget) {
  RunReport report;
  const std::map<std::string, double> costs = {
      {"flops", 2e6}, {"params", 1000}, {"activations", 10}, {"latency:V100", 250}};
  report.networks = {{.name = "seed", .costs = costs}};
  const std::string text = format_summary(report);
  EXPECT_NE(text.find("latency:V100, ns"), std::string::npos) << text;
  EXPECT_NE(text.find("250   1.000x"), std::string::npos) << text;
  EXPECT_EQ(text.find("activations"), std::string::npos) << text;
}

}  // namespace
}  // namespace morph
