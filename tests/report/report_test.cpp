#include "morph/report/report.h"

#include <limits>

#include "sample_run.h"
#include "shell.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/file.h"

namespace morph {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Expects that an XML parser reads the page, and so that every tag is closed and every text and
/// attribute escaped.
void expect_well_formed(const std::string& page, const std::string& name) {
  if (!has_program("python3")) GTEST_SKIP() << "python3 is not installed: no XML parser";
  const auto path = output_folder() / (name + ".html");
  write_file(path, page);
  const ShellResult result =
      run_shell("python3 -c 'import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])' " +
                quoted(path));
  EXPECT_EQ(result.status, 0) << name << ": " << result.output;
}

RunReport two_networks() {
  RunReport run;
  run.networks = {
      {"seed", {{"flops", 81579520}, {"params", 272474}}, 87.93, 60, ""},
      {"learned", {{"flops", 38921472}, {"params", 130017}}, 87.81, 90, "weights inherited"}};
  return run;
}

TEST(Report, IsTheSameForTheSameRun) {
  EXPECT_EQ(render_report(sample_run(21)), render_report(sample_run(21)));
}

TEST(Report, IsWellFormedXml) {
  expect_well_formed(render_report(sample_run(9)), "well_formed_9");
  expect_well_formed(render_report(sample_run(105)), "well_formed_105");
}

TEST(Report, SummaryShowsEveryFigure) {
  const std::string page = render_report(two_networks());
  for (const char* figure : {"87.93",
                             "87.81",
                             "−0.12 points",
                             "81.58 M",
                             "38.92 M",
                             "0.477×",
                             "1.000×",
                             "272.5 k",
                             "130 k",
                             ">60<",
                             ">90<",
                             "weights inherited",
                             "81,579,520 FLOPs",
                             "38,921,472 FLOPs",
                             "130,017 parameters"}) {
    EXPECT_THAT(page, HasSubstr(figure));
  }
  EXPECT_THAT(page, Not(HasSubstr("Activations"))) << "a resource that was not priced";
}

TEST(Report, WithoutASeedTheFirstNetworkIsTheReference) {
  RunReport run = two_networks();
  run.networks[0].name = "baseline";
  EXPECT_THAT(render_report(run), AllOf(HasSubstr("0.477×"), HasSubstr("with the first network")));
}

TEST(Report, FiguresThatWereNotMeasuredAreDashes) {
  RunReport run = two_networks();
  run.networks[1].top1.reset();
  run.networks[1].costs.erase("params");
  const std::string page = render_report(run);
  EXPECT_THAT(page, HasSubstr(R"(data-label="Top-1, %">–</td>)"));
  EXPECT_THAT(page, HasSubstr(R"(data-label="Parameters">–</td>)"));
}

TEST(Report, EmptyRunIsALegiblePage) {
  const std::string page = render_report({});
  for (const char* sentence : {"No network of this run has been measured yet.",
                               "No layers recorded.",
                               "No costs recorded.",
                               "No epoch has ended yet.",
                               "No settings recorded."}) {
    EXPECT_THAT(page, HasSubstr(sentence));
  }
  EXPECT_THAT(page, Not(HasSubstr("NaN")));
  expect_well_formed(page, "empty");
}

TEST(Report, EscapesEverythingTheUserNamed) {
  const std::string nasty = "</style><script>alert(\"1\")</script>'&\x01";
  RunReport run = sample_run(9);
  run.title = run.command = run.started = run.device = run.data = run.budget = nasty;
  run.versions = run.settings = {{nasty, nasty}};
  run.notes = {nasty};
  run.pinned = {{nasty, nasty}};
  for (LayerFigures& layer : run.layers) {
    layer.name = layer.op = layer.group = layer.pinned = nasty;
    layer.seed_cost[nasty] = layer.learned_cost[nasty] = 1;
  }
  for (NetworkFigures& network : run.networks) {
    network.name = network.note = nasty;
    network.costs[nasty] = 1;
  }
  for (Phase& phase : run.phases) {
    phase.name = nasty;
    phase.budget = {{nasty, 0.5}};
    for (EpochFigures& epoch : phase.epochs) epoch.cost = {{nasty, 0.7}};
  }
  const std::string page = render_report(run);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("alert(\"1\")")));
  expect_well_formed(page, "nasty");
}

TEST(Report, NothingIsFetched) {
  const std::string page = render_report(sample_run(21));
  for (const char* reference :
       {"src=", "url(", "@import", "https://", "<img", "<iframe", "fetch("}) {
    EXPECT_THAT(page, Not(HasSubstr(reference)));
  }
  EXPECT_THAT(page, HasSubstr("default-src &#39;none&#39;"));
}

TEST(Report, LayersSayWhatBecameOfThem) {
  RunReport run;
  run.layers = {{.name = "c1", .op = "Conv", .group = "g0", .seed_width = 64, .learned_width = 16},
                {.name = "c2", .op = "Conv", .seed_width = 32, .removed = true},
                {.name = "fc", .seed_width = 10, .learned_width = 10, .pinned = "network output"}};
  const std::string page = render_report(run);
  EXPECT_THAT(page, HasSubstr("c1 (Conv)\n64 channels in the seed, 16 learned\ngroup g0"));
  EXPECT_THAT(page, HasSubstr("16/64<tspan class=\"remark\"> 25 %</tspan>"));
  EXPECT_THAT(page, HasSubstr("0/32<tspan class=\"remark\"> removed</tspan>"));
  EXPECT_THAT(page, HasSubstr("10/10<tspan class=\"remark\"> pinned</tspan>"));
  EXPECT_THAT(page, HasSubstr("pinned: network output"));
  EXPECT_THAT(page, HasSubstr("26 of 106, 1 layer removed"));
  EXPECT_THAT(page, Not(HasSubstr("swatch expanded"))) << "nothing was expanded";
}

TEST(Report, LayerCostsAreSharesOfTheSeed) {
  RunReport run;
  run.layers = {{.name = "c1",
                 .seed_width = 8,
                 .learned_width = 4,
                 .seed_cost = {{"flops", 750}},
                 .learned_cost = {{"flops", 250}}},
                {.name = "c2",
                 .seed_width = 8,
                 .learned_width = 4,
                 .seed_cost = {{"flops", 250}},
                 .learned_cost = {{"flops", 125}}}};
  const std::string page = render_report(run);
  EXPECT_THAT(page, HasSubstr("25.0%<tspan class=\"remark\"> of 75.0%</tspan>"));
  EXPECT_THAT(page, HasSubstr("12.5%<tspan class=\"remark\"> of 25.0%</tspan>"));
  EXPECT_THAT(page, HasSubstr("seed’s 1 k FLOPs. All layers together: 37.5 % is left."));
}

TEST(Report, LayersThatCostNothingAreNotDrawnAsZeroByZero) {
  RunReport run;
  run.layers = {{.name = "c1", .seed_width = 8, .learned_width = 4, .seed_cost = {{"flops", 0}}}};
  EXPECT_THAT(render_report(run), HasSubstr("The layers of the seed cost nothing"));
}

TEST(Report, PinnedLayersAreGroupedByReason) {
  RunReport run;
  run.pinned = {{"a", "is an output"}, {"b", "feeds Reshape r1"}, {"c", "is an output"}};
  run.notes = {"Dead channels of c3 were folded."};
  const std::string page = render_report(run);
  EXPECT_THAT(page, HasSubstr("<code>a</code> <code>c</code> </td><td>is an output</td>"));
  EXPECT_THAT(page, HasSubstr("<code>b</code> </td><td>feeds Reshape r1</td>"));
  EXPECT_THAT(page, HasSubstr("<li>Dead channels of c3 were folded.</li>"));
}

TEST(Report, EquivalenceIsJudgedAgainstItsLimit) {
  RunReport run;
  EXPECT_THAT(render_report(run), Not(HasSubstr("relative difference")));
  run.equivalence = 3.1e-7;
  EXPECT_THAT(render_report(run), AllOf(HasSubstr("<b>3.1e-07</b>"), HasSubstr("✓")));
  run.equivalence = 2e-5;
  EXPECT_THAT(render_report(run), AllOf(HasSubstr("<b>2.0e-05</b>"), HasSubstr("✕")));
  run.equivalence = kNan;
  EXPECT_THAT(render_report(run), HasSubstr("✕")) << "not a number is no agreement";
}

TEST(Report, CurvesShowPhasesBudgetAndEveryEpoch) {
  RunReport run;
  run.phases = {{"structure",
                 {{"flops", 0.5}},
                 {{.epoch = 1, .loss = 1.5, .cost = {{"flops", 0.9}}},
                  {.epoch = 2, .loss = 1.25, .cost = {{"flops", 0.48}}}}},
                {"retraining", {}, {{.epoch = 1, .loss = 0.75, .test_top1 = 91.5}}}};
  const std::string page = render_report(run);
  EXPECT_THAT(page, HasSubstr("structure, 2 epochs"));
  EXPECT_THAT(page, HasSubstr("retraining, 1 epoch<"));
  EXPECT_THAT(page, HasSubstr("structure, epoch 2\ntraining loss: 1.25"));
  EXPECT_THAT(page, HasSubstr("structure, epoch 2\nFLOPs alive, × seed: 0.48"));
  EXPECT_THAT(page, HasSubstr("budget 0.5×"));
  EXPECT_THAT(page, HasSubstr("retraining, epoch 1\ntop-1, %: 91.5"));
  EXPECT_THAT(page, Not(HasSubstr("<h3>Strength"))) << "was not recorded";
}

TEST(Report, ADivergedRunStillHasItsPage) {
  RunReport run;
  run.networks = {{"seed", {{"flops", kNan}}, kNan, 1, ""}, {"learned", {{"flops", 1}}, 10, 1, ""}};
  run.phases = {{"structure", {{"flops", 0.5}}, {{.epoch = 1, .loss = kNan}}}};
  const std::string page = render_report(run);
  EXPECT_THAT(page, AllOf(Not(HasSubstr("nan")), Not(HasSubstr("inf%"))));
  expect_well_formed(page, "diverged");
}

TEST(Report, SettingsAndCommandAreThere) {
  RunReport run;
  run.command = "morphnet learn zoo:resnet8 --budget flops=0.5x";
  run.settings = {{"momentum", "0.9"}};
  run.versions = {{"libtorch", "2.11"}};
  run.seconds = 754;
  const std::string page = render_report(run);
  EXPECT_THAT(page, HasSubstr("<span>morphnet</span> <span>learn</span> <span>zoo:resnet8</span>"));
  EXPECT_THAT(page, HasSubstr(R"(<th scope="row">momentum</th><td>0.9</td>)"));
  EXPECT_THAT(page, HasSubstr(R"(<th scope="row">libtorch</th><td>2.11</td>)"));
  EXPECT_THAT(page, HasSubstr("12 min 34 s"));
}

}  // namespace
}  // namespace morph
