#include "morph/report/layered_layout.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/random.h"

namespace morph {
namespace {

LayoutBox box(std::vector<size_t> inputs) { return {100, 20, std::move(inputs)}; }

bool overlap(const LayoutBox& a, const LayoutPoint& at, const LayoutBox& b, const LayoutPoint& bt) {
  const bool sideways = std::abs(at.x - bt.x) < (a.width + b.width) / 2 - 1e-9;
  const bool upright = at.y < bt.y + b.height - 1e-9 && bt.y < at.y + a.height - 1e-9;
  return sideways && upright;
}

/// Straight pieces of arrows, which run down through rows, keep off the boxes they do not join.
void expect_clear(const std::vector<LayoutBox>& boxes, const LayeredLayout& layout) {
  for (const LayoutRoute& route : layout.routes) {
    for (size_t i = 1; i < route.points.size(); ++i) {
      const LayoutPoint& from = route.points[i - 1];
      const LayoutPoint& to = route.points[i];
      for (size_t k = 0; k < boxes.size(); ++k) {
        if (from.x != to.x || k == route.from || k == route.to) continue;
        const LayoutPoint& at = layout.boxes[k];
        const bool hits =
            std::abs(at.x - from.x) < boxes[k].width / 2 && from.y < at.y + 19 && to.y > at.y + 1;
        EXPECT_FALSE(hits) << "arrow " << route.from << " to " << route.to << " through " << k;
      }
    }
  }
}

TEST(LayeredLayout, NothingIsAnEmptyDrawing) {
  const LayeredLayout layout = lay_out({});
  EXPECT_EQ(layout.width, 0);
  EXPECT_EQ(layout.height, 0);
}

TEST(LayeredLayout, AChainIsStraight) {
  const std::vector<LayoutBox> boxes = {box({}), box({0}), box({1})};
  const LayeredLayout layout = lay_out(boxes);
  EXPECT_EQ(layout.width, 100);
  EXPECT_EQ(layout.boxes[0], (LayoutPoint{50, 0}));
  EXPECT_EQ(layout.boxes[1].x, 50);
  EXPECT_EQ(layout.boxes[2].x, 50);
  EXPECT_GT(layout.boxes[1].y, 20);
  EXPECT_EQ(layout.height, layout.boxes[2].y + 20);
  ASSERT_EQ(layout.routes.size(), 2U);
  EXPECT_EQ(layout.routes[0].points, (std::vector<LayoutPoint>{{50, 20}, {50, layout.boxes[1].y}}));
}

TEST(LayeredLayout, ASkipRunsBesideTheBranchItSkips) {
  const std::vector<LayoutBox> boxes = {box({}), box({0}), box({1}), box({2, 0})};
  const LayeredLayout layout = lay_out(boxes);
  for (const LayoutPoint& at : layout.boxes) EXPECT_EQ(at.x, 50) << "the branch stays straight";
  EXPECT_GT(layout.width, 100);
  expect_clear(boxes, layout);
}

TEST(LayeredLayout, TowersStandBesideEachOtherInOrderAndTheirEndsInTheMiddle) {
  const std::vector<LayoutBox> boxes = {
      box({}), box({0}), box({0}), box({2}), box({0}), box({1, 3, 4})};
  const LayeredLayout layout = lay_out(boxes);
  EXPECT_LT(layout.boxes[1].x + 100, layout.boxes[2].x);
  EXPECT_EQ(layout.boxes[2].x, layout.boxes[3].x);
  EXPECT_LT(layout.boxes[2].x + 100, layout.boxes[4].x);
  EXPECT_EQ(layout.boxes[0].x, layout.boxes[2].x);
  EXPECT_EQ(layout.boxes[5].x, layout.boxes[2].x);
  expect_clear(boxes, layout);
}

TEST(LayeredLayout, ArrowsOfOneBoxShareALane) {
  std::vector<LayoutBox> boxes = {box({})};
  for (size_t i = 1; i < 6; ++i) boxes.push_back(box({i - 1}));
  const double chain = lay_out(boxes).width;
  boxes[3].inputs.push_back(0);
  const double one = lay_out(boxes).width;
  boxes[4].inputs.push_back(0);
  boxes[5].inputs.push_back(0);
  EXPECT_GT(one, chain);
  EXPECT_EQ(lay_out(boxes).width, one);
}

TEST(LayeredLayout, BoxesOfRandomGraphsDoNotOverlapAndArrowsKeepOffThem) {
  Random random(3);
  for (int graph = 0; graph < 40; ++graph) {
    SCOPED_TRACE(graph);
    std::vector<LayoutBox> boxes = {box({})};
    while (boxes.size() < 14) {
      std::vector<size_t> inputs;
      for (size_t i = 0; i < boxes.size(); ++i) {
        if (random.uniform() < 0.25) inputs.push_back(i);
      }
      if (inputs.empty()) inputs.push_back(boxes.size() - 1);
      boxes.push_back(box(inputs));
    }
    const LayeredLayout layout = lay_out(boxes);
    for (size_t i = 0; i < boxes.size(); ++i) {
      EXPECT_GE(layout.boxes[i].x, 50);
      EXPECT_LE(layout.boxes[i].x, layout.width - 50);
      for (const size_t input : boxes[i].inputs) {
        EXPECT_GT(layout.boxes[i].y, layout.boxes[input].y);
      }
      for (size_t k = 0; k < i; ++k) {
        EXPECT_FALSE(overlap(boxes[i], layout.boxes[i], boxes[k], layout.boxes[k]));
      }
    }
    expect_clear(boxes, layout);
  }
}

}  // namespace
}  // namespace morph
