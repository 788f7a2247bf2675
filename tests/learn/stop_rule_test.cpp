#include "morph/learn/stop_rule.h"

#include "train/fixtures.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

/// A hundred normalised channels on one pixel, each 4 FLOPs.
constexpr const char* kHundred = R"(morph 1
network hundred
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[100, 1, 1, 1])
n = BatchNormalization(a; weight=[100], bias=[100], running_mean=[100], running_var=[100])
head = Conv(n; weight=[1, 100, 1, 1])
return head
)";

class StopRuleTest : public ::testing::Test {
 protected:
  /// Ten epochs of one step; the line has come down after half of them.
  ControllerOptions half_the_flops() {
    return {.costs = {{.name = "flops", .seed = 400, .start = 400, .limit = 201}},
            .steps = 10,
            .ramp = 0.5,
            .controls = 10};
  }

  void keep(int64_t alive) {
    const at::Tensor scales = module_.params().at("n.weight").detach();
    scales.fill_(0);
    scales.narrow(0, 0, alive).fill_(1);
  }

  /// An epoch at whose end so many channels live; what the rule reports.
  int64_t epoch(int64_t alive) {
    keep(alive);
    controller_.add_gradient();
    controller_.after_step(++steps_);
    EpochReport report;
    controller_.on_epoch(report);
    rule_.on_epoch(report);
    return report.extra.value("stable", int64_t{-1});
  }

  GraphModule module_ = test::make_module(kHundred);
  NetworkRegularizer regularizer_{module_, {"flops"}};
  BudgetController controller_{regularizer_, half_the_flops()};
  StopRule rule_{regularizer_, controller_, {.epochs = 2}};
  int64_t steps_ = 0;
};

TEST_F(StopRuleTest, WaitsForTheEndOfTheLineAndForTheBudget) {
  EXPECT_EQ(epoch(50), -1);  // Nothing to compare with.
  for (int i = 2; i <= 4; ++i) EXPECT_EQ(epoch(50), 0);
  EXPECT_EQ(epoch(50), 1);
  EXPECT_FALSE(rule_.is_done());
  EXPECT_EQ(epoch(50), 2);
  EXPECT_TRUE(rule_.is_done());
}

TEST_F(StopRuleTest, AChannelInAHundredMayComeOrGo) {
  for (int i = 1; i <= 4; ++i) epoch(50);
  EXPECT_EQ(epoch(51), 1);
  EXPECT_EQ(epoch(49), 0);
  EXPECT_EQ(epoch(50), 1);
}

TEST_F(StopRuleTest, BesideTheBudgetNothingIsStable) {
  for (int i = 1; i <= 9; ++i) EXPECT_LE(epoch(52), 0);
  EXPECT_FALSE(rule_.is_done());
}

TEST_F(StopRuleTest, GoesOnAfterSaveAndRestore) {
  for (int i = 1; i <= 5; ++i) epoch(50);
  const nlohmann::json state = nlohmann::json::parse(rule_.save().dump());
  StopRule second(regularizer_, controller_, {.epochs = 2});
  second.restore(state);
  EpochReport report;
  second.on_epoch(report);
  EXPECT_EQ(report.extra.at("stable"), 2);
  EXPECT_TRUE(second.is_done());
}

TEST_F(StopRuleTest, OfZeroEpochsNeverEnds) {
  StopRule never(regularizer_, controller_, {.epochs = 0});
  for (int i = 1; i <= 9; ++i) {
    epoch(50);
    EpochReport report;
    never.on_epoch(report);
    EXPECT_TRUE(report.extra.empty());
  }
  EXPECT_FALSE(never.is_done());
}

}  // namespace
}  // namespace morph
