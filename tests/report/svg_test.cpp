#include "morph/report/svg.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/report/layer_bars.h"
#include "morph/report/line_chart.h"

namespace morph {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(BarAxis, EndsAtTheLongestBarAndTicksAreRound) {
  const Axis axis = bar_axis(128, 4);
  EXPECT_EQ(axis.high, 128);
  EXPECT_THAT(axis.ticks, ElementsAre(0, 50, 100));
  EXPECT_EQ(axis.share(32), 0.25);
  EXPECT_THAT(bar_axis(16, 4).ticks, ElementsAre(0, 5, 10, 15));
  EXPECT_THAT(bar_axis(2048, 4).ticks, ElementsAre(0, 1000, 2000));
}

TEST(BarAxis, NothingToShowIsNotADivisionByZero) {
  EXPECT_EQ(bar_axis(0, 4).high, 1);
  EXPECT_EQ(bar_axis(kNan, 4).high, 1);
}

TEST(CurveAxis, ReachesOutToRoundNumbers) {
  const Axis axis = curve_axis(0.23, 1.6, 5);
  EXPECT_EQ(axis.low, 0);
  EXPECT_EQ(axis.high, 2);
  EXPECT_THAT(axis.ticks, ElementsAre(0, 0.5, 1, 1.5, 2));
  // 0.3 / 3 is the double after 0.1: three steps must do all the same. One ulp of 0.3 is 6e-17.
  EXPECT_THAT(
      curve_axis(0, 0.3, 3).ticks,
      ElementsAre(0, DoubleNear(0.1, 1e-15), DoubleNear(0.2, 1e-15), DoubleNear(0.3, 1e-15)));
}

TEST(CurveAxis, EqualEndsAreMovedApart) {
  const Axis flat = curve_axis(90, 90, 5);
  EXPECT_LT(flat.low, 90);
  EXPECT_GT(flat.high, 90);
  const Axis zero = curve_axis(0, 0, 5);
  EXPECT_EQ(zero.low, 0);
  EXPECT_EQ(zero.high, 1);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(curve_axis(infinity, -infinity, 5).high, 1);
}

TEST(AxisText, HasAsManyDecimalsAsTheStepNeeds) {
  EXPECT_EQ(curve_axis(0, 1, 5).text(0.2), "0.2");
  EXPECT_EQ(curve_axis(0, 0.1, 4).text(0.05), "0.05");
  EXPECT_EQ(curve_axis(40, 90, 5).text(60), "60");
  EXPECT_EQ(bar_axis(2048, 4).text(2000), "2 k");
  EXPECT_EQ(curve_axis(0, 3e-7, 3).text(1e-7), "1.0e-07");
}

TEST(DrawBars, SeedBelowLearned) {
  BarFigure figure;
  figure.label = "widths";
  figure.rows = {{.label = "c1", .figures = "32/64", .style = "free", .seed = 64, .learned = 32},
                 {.label = "c2", .figures = "0/16", .style = "removed", .seed = 16}};
  const std::string svg = draw_bars(figure);
  const size_t seed = svg.find(R"(<rect class="bar seed free" width="100%")");
  const size_t learned = svg.find(R"(<rect class="bar learned free" width="50%")");
  ASSERT_NE(seed, std::string::npos);
  ASSERT_NE(learned, std::string::npos);
  EXPECT_LT(seed, learned) << "what is drawn later lies on top";
  EXPECT_THAT(svg, HasSubstr(R"(<rect class="bar seed removed" width="25%")"));
  EXPECT_THAT(svg, Not(HasSubstr("bar learned removed"))) << "no bar of width 0";
  EXPECT_THAT(svg, HasSubstr(R"(aria-label="widths")"));
}

TEST(DrawBars, ExpandedWidthsAreWhiskersOnTheSameAxis) {
  BarFigure figure;
  figure.rows = {
      {.label = "a", .style = "free", .seed = 10, .learned = 5, .expanded = 20},
      {.label = "b", .style = "free", .seed = 10, .learned = 10, .expanded = 10},
  };
  const std::string svg = draw_bars(figure);
  EXPECT_THAT(svg, HasSubstr(R"(class="expanded" x1="25%" x2="100%")"));
  EXPECT_EQ(count(svg, R"(class="expanded")"), 1U) << "no whisker of length 0";
}

TEST(DrawBars, ManyLayersStandInTwoColumns) {
  BarFigure figure;
  for (int i = 0; i < 105; ++i) {
    figure.rows.push_back({.label = "layer", .style = "free", .seed = 8, .learned = 4});
  }
  const std::string svg = draw_bars(figure);
  EXPECT_EQ(count(svg, "<svg xmlns"), 2U);
  EXPECT_EQ(count(svg, "bar seed"), 105U);
  figure.rows.resize(kLayersInOneColumn - 1);
  EXPECT_EQ(count(draw_bars(figure), "<svg xmlns"), 1U);
}

TEST(Shorten, KeepsBothEndsAndWholeLetters) {
  EXPECT_EQ(shorten("layer1.conv1", 12), "layer1.conv1");
  EXPECT_EQ(shorten("layer1.block2.conv1", 11), "layer…conv1");
  EXPECT_EQ(shorten("äöüßéè", 5), "äö…éè");
}

TEST(DrawLines, JoinsPointsAndBreaksWhereOneIsMissing) {
  LineChart chart;
  chart.height = 100;
  chart.from_zero = true;
  chart.lines = {{"series-0", {{0, 0, "a"}, {0.25, 1, "b"}, {0.5, kNan, "c"}, {1, 1, "d"}}}};
  const std::string svg = draw_lines(chart);
  EXPECT_THAT(svg, HasSubstr(R"(points="0,100 250,0")"));
  EXPECT_EQ(count(svg, "<polyline"), 1U) << "a single point is no line";
  EXPECT_EQ(count(svg, "<title>"), 3U) << "a tooltip at each finite point";
  EXPECT_TRUE(has_points(chart));
  chart.lines[0].points = {{0, kNan, ""}};
  EXPECT_FALSE(has_points(chart));
}

TEST(DrawLines, BudgetIsDrawnAtItsLevelOverItsPhase) {
  LineChart chart;
  chart.height = 100;
  chart.from_zero = true;
  chart.lines = {{"series-0", {{0, 1, "a"}}}};
  chart.levels = {{0.2, 0.8, 0.5, "budget 0.5×", ""}};
  const std::string svg = draw_lines(chart);
  EXPECT_THAT(svg, HasSubstr(R"(x1="20%" x2="80%" y1="50" y2="50")"));
  EXPECT_THAT(svg, HasSubstr("budget 0.5×"));
}

TEST(DrawLines, BandNamesAreLeftOutWhereTheyDoNotFit) {
  LineChart chart;
  chart.bands = {{0, 0.9, "1", "seed training"}, {0.9, 1, "2", "retraining"}};
  const std::string svg = draw_lines(chart);
  EXPECT_THAT(svg, HasSubstr("seed training"));
  EXPECT_THAT(svg, Not(HasSubstr("retraining")));
}

}  // namespace
}  // namespace morph
