#include "morph/report/sections.h"

#include <limits>

#include "sample_run.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/report/report.h"

namespace morph {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

LayerFigures layer(
    const std::string& name, int64_t seed, int64_t learned, double before, double after) {
  return {.name = name,
          .seed_width = seed,
          .learned_width = learned,
          .seed_cost = {{"flops", before}},
          .learned_cost = {{"flops", after}}};
}

size_t count(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(Findings, NameWhatGrewInShareAndWhatWasTooWide) {
  RunReport run;
  run.layers = {layer("wide", 32, 8, 600, 100),
                layer("narrow", 16, 16, 300, 250),
                layer("dead", 8, 0, 100, 0)};
  const std::string page = findings_section(run);
  EXPECT_THAT(page,
              HasSubstr("<code>wide</code> kept 8 of 32 channels, which with the layers before it "
                        "saves 50.0 % of the seed’s FLOPs."));
  EXPECT_THAT(page, HasSubstr("<code>dead</code> was removed with all its 8 channels, which"));
  // 300 of 1000 before, 250 of 350 after.
  EXPECT_THAT(
      page,
      HasSubstr("<code>narrow</code> kept all 16 channels; its share of the FLOPs grew from "
                "30.0 % to 71.4 %."));
  EXPECT_LT(page.find("<code>wide</code>"), page.find("<code>dead</code>")) << "largest first";
  EXPECT_EQ(count(page, "<li>"), 3U);
}

TEST(Findings, TellHowMuchOfEachThirdOfTheDepthIsLeft) {
  RunReport run;
  run.layers = {layer("a", 10, 2, 1, 1), layer("b", 10, 5, 1, 1), layer("c", 10, 10, 1, 1)};
  run.layers.push_back(layer("pinned", 10, 10, 1, 1));
  run.layers.back().pinned = "network output";
  EXPECT_THAT(findings_section(run),
              HasSubstr("the first third of the layers kept 20.0 %, the middle 50.0 %, the last "
                        "third 100.0 %."));
}

TEST(Findings, AreAboutTheResourceThatWasFollowed) {
  RunReport run;
  run.layers = {layer("a", 10, 5, 100, 50)};
  run.layers[0].seed_cost["params"] = 10;
  run.layers[0].learned_cost["params"] = 5;
  run.phases = {{.name = "structure", .budget = {{"params", 0.5}}}};
  EXPECT_THAT(findings_section(run), HasSubstr("seed’s parameters"));
}

TEST(Findings, WithoutCostsSaySo) {
  RunReport run;
  run.layers = {{.name = "a", .seed_width = 4, .learned_width = 4}};
  EXPECT_THAT(findings_section(run), HasSubstr("No costs of layers recorded."));
}

TEST(Network, RemovedBoxesAndTheirArrowsAreFaint) {
  const std::string page = graph_section(sample_run(9));
  // Two convolutions; the arrows into, between and out of them.
  EXPECT_EQ(count(page, "class=\"box gone\""), 2U);
  EXPECT_EQ(count(page, "class=\"arrow gone\""), 3U);
  EXPECT_EQ(count(page, "class=\"box bypassed\""), 1U);
  EXPECT_THAT(page, HasSubstr("2 boxes that were removed"));
  EXPECT_THAT(page, HasSubstr("16 → 9"));
  EXPECT_THAT(page, HasSubstr("16 removed"));
  EXPECT_THAT(page, HasSubstr("<figcaption>block</figcaption>"));
}

TEST(Network, TipsNameEveryOperatorOfABox) {
  EXPECT_THAT(graph_section(sample_run(9)),
              HasSubstr("stem.conv (Conv 3×3), 16 → 9\nstem.relu (Relu), 16 → 9"));
}

TEST(Network, NothingRemovedIsSaid) {
  RunReport run;
  run.graph = {
      {.name = "fc", .op = "Gemm", .seed_width = 10, .learned_width = 10, .has_weights = true}};
  EXPECT_THAT(graph_section(run), AllOf(HasSubstr("Nothing was removed."), Not(HasSubstr("gone"))));
}

RunReport gates_of_two_epochs() {
  RunReport run;
  const auto epoch = [](int64_t number, std::vector<int64_t> counts) {
    EpochFigures figures{.epoch = number};
    figures.gates = GateHistogram{.lowest = 0.01, .per_decade = 1, .counts = std::move(counts)};
    return figures;
  };
  run.phases = {
      {.name = "structure-1", .epochs = {epoch(1, {0, 0, 4, 0}), epoch(2, {1, 0, 3, 0})}}};
  return run;
}

TEST(Gates, EachEpochIsAColumnAndFilledIntervalsAreCells) {
  const std::string page = gates_section(gates_of_two_epochs());
  EXPECT_EQ(count(page, "class=\"heat\""), 3U);
  EXPECT_THAT(page,
              HasSubstr("structure-1, epoch 2\n4 gates\n1 below 0.01\n1 below 0.1\n4 below 1"));
  EXPECT_THAT(page, HasSubstr("fill-opacity=\"1\""));
  EXPECT_THAT(page, Not(HasSubstr("cut at")));
}

TEST(Gates, TheThresholdIsALineAtItsSize) {
  RunReport run = gates_of_two_epochs();
  run.threshold = 0.1;
  // Four rows of 9 pixels; 0.1 is the upper edge of the second.
  EXPECT_THAT(gates_section(run), AllOf(HasSubstr("cut at 0.1"), HasSubstr("y1=\"18\" y2=\"18\"")));
}

TEST(Gates, HistogramsThatCannotBeDrawnAreLeftOut) {
  RunReport run = gates_of_two_epochs();
  run.phases[0].epochs[1].gates->per_decade = 2;
  EXPECT_EQ(count(gates_section(run), "class=\"heat\""), 1U) << "other intervals than the first";
  run.phases[0].epochs[0].gates->lowest = 0;
  run.phases[0].epochs[1].gates->counts = {};
  EXPECT_THAT(gates_section(run), HasSubstr("No gates recorded."));
}

TEST(Curves, ShowTheTargetAndEachStrength) {
  RunReport run;
  EpochFigures epoch{.epoch = 1, .cost = {{"flops", 0.9}, {"params", 0.8}}};
  epoch.target = {{"flops", 0.85}};
  epoch.strength = {{"flops", 2}, {"params", 3}};
  run.phases = {{.name = "structure", .epochs = {epoch}}};
  const std::string page = curves_section(run);
  EXPECT_THAT(page, HasSubstr("FLOPs to be, × seed: 0.85"));
  EXPECT_THAT(page, HasSubstr("strength of FLOPs: 2"));
  EXPECT_THAT(page, HasSubstr("strength of Parameters: 3"));
}

TEST(Summary, AllResourcesAreATableOfTheirOwn) {
  RunReport run;
  run.networks = {{.name = "seed", .costs = {{"flops", 10}}, .resources = {{"memory", 4000}}},
                  {.name = "learned", .costs = {{"flops", 5}}, .resources = {{"memory", 1000}}}};
  const std::string page = summary_section(run);
  EXPECT_THAT(page, HasSubstr("<th scope=\"row\">memory</th>"));
  EXPECT_THAT(page, HasSubstr("1 kB<small>0.250×</small>"));
  run.networks[0].resources = run.networks[1].resources = {};
  EXPECT_THAT(summary_section(run), Not(HasSubstr("All resources")));
}

}  // namespace
}  // namespace morph
