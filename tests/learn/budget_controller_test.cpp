#include "morph/learn/budget_controller.h"

#include <cmath>

#include "train/fixtures.h"
#include <gtest/gtest.h>

#include "morph/nn/params.h"

namespace morph {
namespace {

/// Four normalised channels on one pixel: 2 FLOPs for reading the image, 2 for the head.
constexpr const char* kFourChannels = R"(morph 1
network four
x = Input() shape=[1, 1, 1, 1]
a = Conv(x; weight=[4, 1, 1, 1])
n = BatchNormalization(a; weight=[4], bias=[4], running_mean=[4], running_var=[4])
head = Conv(n; weight=[1, 4, 1, 1])
return head
)";

/// All four channels cost 16 FLOPs; with gates of 1 their term is 16 too.
constexpr double kSeedCost = 16;

class BudgetControllerTest : public ::testing::Test {
 protected:
  /// The cost of one example is to fall from that of the seed to half of it.
  static ControllerOptions options() {
    return {.costs = {{.name = "flops", .seed = kSeedCost, .start = kSeedCost, .limit = 8}},
            .steps = 10,
            .ramp = 0.5,
            .first_strength = 0.5,
            .gain = 10,
            .proportional = 0,
            .controls = 10};
  }

  void set_gates(double value) { module_.params().at("n.weight").detach().fill_(value); }

  /// What the controller reports at the end of an epoch.
  static double reported(BudgetController& controller, const char* key) {
    EpochReport report;
    controller.on_epoch(report);
    return report.extra.at(key).get<double>();
  }
  /// A step of training as far as the controller sees it; what it adds to the loss.
  double step(BudgetController& controller) {
    const auto value = controller.add_gradient().item<double>();
    controller.after_step(++steps_);
    return value;
  }

  static double strength(BudgetController& controller) {
    return reported(controller, "strength.flops");
  }

  GraphModule module_ = test::make_module(kFourChannels);
  NetworkRegularizer regularizer_{module_, {"flops"}};
  int64_t steps_ = 0;  // Of the run.
};

TEST_F(BudgetControllerTest, BeginsRelativeToTheTerm) {
  BudgetController controller(regularizer_, options());
  EXPECT_DOUBLE_EQ(strength(controller), 0.5 / 16);
  EXPECT_EQ(reported(controller, "cost.flops"), 1);
  EXPECT_NEAR(step(controller), 0.5, 1e-7);
  EXPECT_FLOAT_EQ(module_.params().at("n.weight").grad()[0].item<float>(), 0.5F * 4 / 16);
}

TEST_F(BudgetControllerTest, StrengthRisesWhileTheCostIsAboveTheLine) {
  BudgetController controller(regularizer_, options());
  step(controller);
  // After a tenth the line has come a fifth of the way from 16 to 8: the excess is 1.6 of 16, and
  // the strength grows by exp(10 · 0.1 · 0.1).
  EXPECT_NEAR(strength(controller), 0.5 / 16 * std::exp(0.1), 1e-12);
  const double before = strength(controller);
  step(controller);
  EXPECT_NEAR(strength(controller), before * std::exp(0.2), 1e-12);
}

TEST_F(BudgetControllerTest, StrengthFallsWhileTheCostIsBelowTheLine) {
  BudgetController controller(regularizer_, options());
  set_gates(0);
  step(controller);
  // 14.4 too little of 16.
  EXPECT_NEAR(strength(controller), 0.5 / 16 * std::exp(-0.9), 1e-12);
  EXPECT_EQ(reported(controller, "cost.flops"), 0);
}

TEST_F(BudgetControllerTest, AfterTheRampTheLineIsTheLimit) {
  ControllerOptions options = BudgetControllerTest::options();
  options.costs[0].limit = kSeedCost;  // So that the strength stays until then.
  BudgetController controller(regularizer_, options);
  for (int i = 0; i < 9; ++i) step(controller);
  EXPECT_NEAR(strength(controller), 0.5 / 16, 1e-12);
}

TEST_F(BudgetControllerTest, SharesAreOfTheSeedAlsoWhereThePhaseBeginsWithLess) {
  ControllerOptions options = BudgetControllerTest::options();
  options.costs[0].seed = 2 * kSeedCost;
  BudgetController controller(regularizer_, options);
  EXPECT_EQ(reported(controller, "cost.flops"), 0.5);
}

// The line falls by 0.2 of the start with each step while the cost stays: the error is 0.2, then
// 0.4, and only its last value counts.
TEST_F(BudgetControllerTest, ProportionalPartFollowsTheErrorItself) {
  ControllerOptions options = BudgetControllerTest::options();
  options.costs[0].limit = 0;
  options.gain = 0;
  options.proportional = 3;
  BudgetController controller(regularizer_, options);
  step(controller);
  EXPECT_NEAR(strength(controller), 0.5 / 16 * std::exp(3 * 0.2), 1e-12);
  step(controller);
  EXPECT_NEAR(strength(controller), 0.5 / 16 * std::exp(3 * 0.4), 1e-12);
}

TEST_F(BudgetControllerTest, StrengthHasBounds) {
  ControllerOptions options = BudgetControllerTest::options();
  options.gain = 1e6;
  BudgetController controller(regularizer_, options);
  step(controller);
  EXPECT_DOUBLE_EQ(strength(controller), 1e3 / 16);
  set_gates(0);
  step(controller);
  EXPECT_DOUBLE_EQ(strength(controller), 1e-3 / 16);
}

TEST_F(BudgetControllerTest, FixedStrengthsStay) {
  ControllerOptions options = BudgetControllerTest::options();
  options.fixed_strength = 0.25;
  BudgetController controller(regularizer_, options);
  for (int i = 0; i < 10; ++i) {
    EXPECT_NEAR(step(controller), 0.25 * 16, 1e-6);
  }
  EXPECT_DOUBLE_EQ(strength(controller), 0.25);
}

TEST_F(BudgetControllerTest, ControlsAsOftenAsItIsTold) {
  ControllerOptions options = BudgetControllerTest::options();
  options.steps = 1000;
  options.controls = 10;
  BudgetController controller(regularizer_, options);
  for (int i = 0; i < 99; ++i) step(controller);
  EXPECT_DOUBLE_EQ(strength(controller), 0.5 / 16);
  step(controller);
  EXPECT_NEAR(strength(controller), 0.5 / 16 * std::exp(0.1), 1e-12);
}

TEST_F(BudgetControllerTest, GoesOnAfterSaveAndRestoreAsIfNothingHadBeen) {
  BudgetController first(regularizer_, options());
  for (int i = 0; i < 4; ++i) step(first);
  const nlohmann::json state = nlohmann::json::parse(first.save().dump());
  for (int i = 0; i < 3; ++i) step(first);
  const double expected = strength(first);

  set_gates(0.5);  // Another unit, were it not restored.
  BudgetController second(regularizer_, options());
  set_gates(1);
  second.restore(state);
  steps_ = 4;
  EXPECT_NE(strength(second), expected);
  for (int i = 0; i < 3; ++i) step(second);
  EXPECT_DOUBLE_EQ(strength(second), expected);
  EXPECT_NEAR(step(second), expected * 16, 1e-6);
}

TEST(BudgetController, EachCostHasItsOwnStrength) {
  const GraphModule module = test::make_module(kFourChannels);
  NetworkRegularizer regularizer(module, {"flops", "params"});
  // Parameters: 4 and 4 weights, 2 for each normalised channel.
  BudgetController controller(regularizer,
                              {.costs = {{.name = "flops", .seed = 16, .start = 16, .limit = 16},
                                         {.name = "params", .seed = 16, .start = 16, .limit = 8}},
                               .steps = 10,
                               .ramp = 0.5,
                               .first_strength = 0.5,
                               .gain = 10,
                               .proportional = 0,
                               .controls = 10});
  controller.add_gradient();
  controller.after_step(1);
  EpochReport report;
  controller.on_epoch(report);
  EXPECT_NEAR(report.extra.at("strength.flops").get<double>(), 0.5 / 16, 1e-12);
  EXPECT_NEAR(report.extra.at("strength.params").get<double>(), 0.5 / 16 * std::exp(0.1), 1e-12);
}

/// FLOPs and parameters, either with or without a budget of half; ten controls, the line falls
/// for half of them, so in a tenth by 0.1 of the start.
class TwoCosts : public ::testing::Test {
 protected:
  static ControllerOptions options(const ControlledCost& flops, const ControlledCost& params) {
    return {.costs = {flops, params},
            .steps = 10,
            .ramp = 0.5,
            .first_strength = 0.5,
            .gain = 10,
            .proportional = 0,
            .controls = 10};
  }

  /// What is reported after one step, in which the cost stayed.
  nlohmann::json after_a_step(const ControllerOptions& options) {
    BudgetController controller(regularizer_, options);
    controller.add_gradient();
    controller.after_step(1);
    EpochReport report;
    controller.on_epoch(report);
    return report.extra;
  }

  GraphModule module_ = test::make_module(kFourChannels);
  NetworkRegularizer regularizer_{module_, {"flops", "params"}};
};

TEST_F(TwoCosts, ACostWithoutABudgetFollowsThatOfTheOther) {
  const nlohmann::json extra = after_a_step(
      options({.name = "flops", .seed = 16, .start = 16},
              {.name = "params", .seed = 16, .start = 16, .limit = 8, .is_charged = false}));
  EXPECT_NEAR(extra.at("strength.flops").get<double>(), 0.5 / 16 * std::exp(0.1), 1e-12);
  EXPECT_FALSE(extra.contains("strength.params"));
  EXPECT_FALSE(extra.contains("target.flops"));
  EXPECT_EQ(extra.at("cost.flops"), 1);
  EXPECT_EQ(extra.at("cost.params"), 1);
  EXPECT_NEAR(extra.at("target.params").get<double>(), 0.9, 1e-12);
}

TEST_F(TwoCosts, ACostThatIsOnlyMeasuredPullsAtNothing) {
  after_a_step(
      options({.name = "flops", .seed = 16, .start = 16},
              {.name = "params", .seed = 16, .start = 16, .limit = 8, .is_charged = false}));
  // One channel costs 4 FLOPs and the first strength is half of 1 / 16.
  EXPECT_FLOAT_EQ(module_.params().at("n.weight").grad()[0].item<float>(), 0.5F * 4 / 16);
}

TEST_F(TwoCosts, ACostWithoutABudgetFollowsTheLargestError) {
  GraphModule module = test::make_module(kFourChannels);
  NetworkRegularizer regularizer(module, {"channels", "flops", "params"});
  ControllerOptions three = options({.name = "channels", .seed = 5, .start = 5},
                                    {.name = "flops", .seed = 16, .start = 16, .limit = 16});
  three.costs.push_back({.name = "params", .seed = 16, .start = 16, .limit = 8});
  BudgetController controller(regularizer, three);
  controller.add_gradient();
  controller.after_step(1);
  EpochReport report;
  controller.on_epoch(report);
  const auto grown = [&](const char* key, double first) {
    return std::log(report.extra.at(key).get<double>() / first);
  };
  EXPECT_NEAR(grown("strength.params", 0.5 / 16), 0.1, 1e-9);
  EXPECT_NEAR(grown("strength.flops", 0.5 / 16), 0, 1e-9);
  BudgetController untouched(regularizer, three);
  untouched.on_epoch(report);
  const auto first = report.extra.at("strength.channels").get<double>();
  controller.on_epoch(report);
  EXPECT_NEAR(grown("strength.channels", first), 0.1, 1e-9);
}

TEST_F(TwoCosts, ABudgetThatIsNotChargedIsFollowedByWhatIs) {
  const nlohmann::json extra = after_a_step(
      options({.name = "flops", .seed = 16, .start = 16, .limit = 16},
              {.name = "params", .seed = 16, .start = 16, .limit = 8, .is_charged = false}));
  EXPECT_NEAR(extra.at("strength.flops").get<double>(), 0.5 / 16 * std::exp(0.1), 1e-12);
}

}  // namespace
}  // namespace morph
