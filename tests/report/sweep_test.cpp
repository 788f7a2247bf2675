#include "morph/report/sweep.h"

#include <cmath>
#include <set>
#include <string>

#include "sample_sweep.h"
#include "shell.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/base/file.h"

namespace morph {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void expect_well_formed(const std::string& text, const std::string& name) {
  if (!has_program("python3")) GTEST_SKIP() << "python3 is not installed: no XML parser";
  const auto path = output_folder() / name;
  write_file(path, text);
  const ShellResult result =
      run_shell("python3 -c 'import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])' " +
                quoted(path));
  EXPECT_EQ(result.status, 0) << name << ": " << result.output;
}

TEST(Sweep, CellsAreMeansOverSeeds) {
  const std::vector<SweepCell> cells = summarize(sample_sweep());
  ASSERT_EQ(cells.size(), 6U);
  EXPECT_EQ(cells[0].method, "seed");
  EXPECT_EQ(cells[0].mean, 88);
  // 86, 87 and 88 at half the cost: squares 1 + 0 + 1, over 2.
  EXPECT_EQ(cells[1].method, "morphnet");
  EXPECT_EQ(cells[1].budget, "flops=0.5x");
  EXPECT_EQ(cells[1].count, 3);
  EXPECT_EQ(cells[1].mean, 87);
  EXPECT_EQ(cells[1].deviation, 1);
  EXPECT_EQ(cells[1].costs.at("flops"), 40e6);
  EXPECT_EQ(cells[2].budget, "flops=0.25x") << "the most expensive first";
  EXPECT_TRUE(cells[3].inherited) << "after those from fresh weights";
  EXPECT_EQ(cells[4].method, "uniform");
  EXPECT_EQ(cells[5].count, 1);
  EXPECT_EQ(cells[5].deviation, 0);
}

TEST(Sweep, HalvesOfALearnedNetwork) {
  const SweepReport sweep = sample_sweep();
  // 4 of 16 and 8 of 16 early; 0 of 32, 32 of 32 and 32 of 64 late.
  const HalvesKept halves = halves_kept(sweep, sweep.widths[0]);
  EXPECT_DOUBLE_EQ(halves.early, 0.375);
  EXPECT_DOUBLE_EQ(halves.late, 0.5);
}

TEST(Sweep, CsvGolden) {
  SweepReport sweep = sample_sweep();
  sweep.rows.resize(2);
  sweep.rows[1].network = "my \"net\", again";
  EXPECT_EQ(to_csv(sweep),
            "network,method,budget,mflops,params,seed,top1,epochs,inherited\n"
            "resnet20,seed,,81.626368,272474,0,88.0,60,false\n"
            "\"my \"\"net\"\", again\",morphnet,flops=0.5x,40.0,130000,0,86.0,60,false\n");
}

TEST(Sweep, JsonHasTheListAndWhereItComesFrom) {
  const nlohmann::json json = to_json(sample_sweep());
  const nlohmann::json first = {{"network", "resnet20"},
                                {"method", "seed"},
                                {"budget", ""},
                                {"mflops", 81.626368},
                                {"params", 272474.0},
                                {"costs", {{"flops", 81626368.0}, {"params", 272474.0}}},
                                {"seed", 0},
                                {"top1", 88.0},
                                {"epochs", 60},
                                {"inherited", false},
                                {"folder", "points/seed_seed0"}};
  EXPECT_EQ(json.at("results").at(0), first);
  EXPECT_EQ(json.at("results").size(), sample_sweep().rows.size());
  EXPECT_EQ(json.at("date"), "2026-11-28T18:00:00Z");
  EXPECT_EQ(json.at("device"), "NVIDIA H100");
  EXPECT_EQ(json.at("versions").at("libtorch"), "2.15.0");
  EXPECT_EQ(json.at("widths").at(0).at("kept_early"), 0.375);
  EXPECT_EQ(json.at("failures").at(0).at("log"), "points/l1_flops=0.5x_seed0/log.txt");
}

TEST(Sweep, PageAndPictureAreWellFormed) {
  expect_well_formed(render_sweep(sample_sweep()), "sweep.html");
  expect_well_formed(render_sweep_chart(sample_sweep(), "flops"), "sweep.svg");
  expect_well_formed(render_sweep({.title = "<nothing> & \"no one\"", .costs = {"flops"}}),
                     "empty_sweep.html");
}

TEST(Sweep, PageShowsEveryCellAndFailure) {
  const std::string page = render_sweep(sample_sweep());
  for (const char* text : {"87.00 ± 1.00",
                           "88.00",
                           "flops=0.25x",
                           "morphnet, weights inherited",
                           "Test accuracy, top-1, against FLOPs",
                           "12 from 13 points",
                           "l1 flops=0.5x, seed 0: out of memory",
                           "37.5 %",
                           "layer3.0.conv1",
                           "NVIDIA H100",
                           "points/morphnet_flops=0.5x_seed0/report.html"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
}

TEST(Sweep, ADeviceIsNamedByItsFile) {
  SweepReport sweep = sample_sweep();
  const std::string cost = "latency:runs/devices/phone.json";
  sweep.costs = {cost};
  for (SweepRow& row : sweep.rows) {
    row.costs[cost] = 1000;
    if (!row.budget.empty()) row.budget = cost + "=0.5x";
  }
  for (SweepWidths& network : sweep.widths) network.budget = cost + "=0.5x";
  const std::string page = render_sweep(sweep);
  EXPECT_THAT(page, HasSubstr("Test accuracy, top-1, against latency:phone.json in ns<"));
  EXPECT_THAT(page, HasSubstr(">1 µs<"));
  EXPECT_THAT(page, HasSubstr(">latency:phone.json=0.5x<"));
  EXPECT_THAT(page, HasSubstr("morphnet, latency:phone.json=0.5x"));
  EXPECT_THAT(page, Not(HasSubstr("runs/devices/phone.json=0.5x")));
}

TEST(Sweep, NoTwoLinesOfAChartHaveOneColour) {
  SweepReport sweep = sample_sweep();
  sweep.widths.clear();
  for (const char* budget : {"flops=0.75x", "flops=0.5x", "flops=0.25x"}) {
    sweep.widths.push_back({"morphnet", budget, {4, 8, 0, 32, 32}});
    sweep.widths.push_back({"l1", budget, {2, 1, 0, 16, 16}});
  }
  const std::string page = render_sweep(sweep);
  expect_well_formed(page, "six_networks.html");
  std::string widths = page.substr(page.find("Learned widths"));
  widths.resize(widths.find("<table"));
  const std::string begin = "<ul class=\"legend\">";
  const std::string swatch = "swatch line series-";
  int charts = 0;
  for (size_t at = 0; (at = widths.find(begin, at)) != std::string::npos; ++charts) {
    at += begin.size();
    const std::string legend = widths.substr(at, widths.find("</ul>", at) - at);
    std::multiset<char> colours;
    for (size_t key = 0; (key = legend.find(swatch, key)) != std::string::npos; ++key) {
      colours.insert(legend.at(key + swatch.size()));
    }
    EXPECT_EQ(colours.size(), 2U) << legend;
    EXPECT_EQ(std::set<char>(colours.begin(), colours.end()).size(), 2U) << legend;
  }
  EXPECT_EQ(charts, 3);
  EXPECT_THAT(page, HasSubstr("Share of its width that each layer keeps, flops=0.75x"));
}

TEST(Sweep, PageOfNothingSaysSo) {
  const std::string page = render_sweep({.title = "nothing", .costs = {"flops"}});
  EXPECT_THAT(page, HasSubstr("No point has been trained yet."));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<polyline")), Not(HasSubstr("Learned widths"))));
}

TEST(Sweep, AChartShowsOnlyItsOwnBudgets) {
  SweepReport sweep = sample_sweep();
  sweep.rows.push_back({.network = "resnet20",
                        .method = "uniform",
                        .budget = "params=0.5x",
                        .costs = {{"flops", 50e6}, {"params", 136000}},
                        .top1 = 12.34});
  EXPECT_THAT(render_sweep_chart(sweep, "params"), HasSubstr("top-1 12.34 %"));
  EXPECT_THAT(render_sweep_chart(sweep, "flops"), Not(HasSubstr("top-1 12.34 %")));
}

TEST(Sweep, ErrorBarsOnlyWhereThereAreSeveralSeeds) {
  const std::string picture = render_sweep_chart(sample_sweep(), "flops");
  EXPECT_THAT(picture, HasSubstr("class=\"spread series-0\"")) << "three seeds";
  EXPECT_THAT(picture, Not(HasSubstr("class=\"spread series-4\""))) << "one each";
}

}  // namespace
}  // namespace morph
