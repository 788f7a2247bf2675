#include "morph/learn/budget.h"

#include "expect_error.h"

namespace morph {
namespace {

TEST(ParseBudget, ShareOfTheSeed) {
  const Budget budget = parse_budget("flops=0.5x");
  EXPECT_EQ(budget.cost, "flops");
  EXPECT_EQ(budget.amount, 0.5);
  EXPECT_EQ(budget.unit, Budget::Unit::kShareOfSeed);
  EXPECT_EQ(budget.limit(80e6), 40e6);
  EXPECT_EQ(budget.text(), "flops=0.5x");
  EXPECT_EQ(parse_budget(" activations = 1.25X ").limit(8), 10);
}

TEST(ParseBudget, Absolute) {
  const Budget budget = parse_budget("params=200k");
  EXPECT_EQ(budget.cost, "params");
  EXPECT_EQ(budget.unit, Budget::Unit::kAbsolute);
  EXPECT_EQ(budget.limit(80e6), 200000);
  EXPECT_EQ(budget.text(), "params=200 k");
  EXPECT_EQ(parse_budget("flops=1.5M").limit(0), 1.5e6);
  EXPECT_EQ(parse_budget("flops=2.0G").limit(0), 2e9);
  EXPECT_EQ(parse_budget("params=12345").limit(0), 12345);
}

TEST(ParseBudget, OfALatency) {
  EXPECT_EQ(parse_budget("latency:V100=0.5x").cost, "latency:V100");
  const Budget stated = parse_budget("latency:peak=9300,bandwidth=732=50k");
  EXPECT_EQ(stated.cost, "latency:peak=9300,bandwidth=732");
  EXPECT_EQ(stated.limit(0), 50000);
  EXPECT_ERROR(parse_budget("latency:V10=0.5x"), "Did you mean 'V100'?");
  EXPECT_ERROR(parse_budget("latency=0.5x"), "latency:DEVICE");
}

TEST(ParseBudgets, AreSeparatedByCommas) {
  const std::vector<Budget> budgets =
      parse_budgets("flops=0.5x, latency:peak=9300,bandwidth=732=0.6x,params=1k");
  ASSERT_EQ(budgets.size(), 3U);
  EXPECT_EQ(budgets[0].text(), "flops=0.5x");
  EXPECT_EQ(budgets[1].text(), "latency:peak=9300,bandwidth=732=0.6x");
  EXPECT_EQ(budgets[2].text(), "params=1 k");
  EXPECT_TRUE(parse_budgets("").empty());
  EXPECT_ERROR(parse_budgets("flops=0.5x,"), "an entry is empty");
  EXPECT_ERROR(parse_budgets("flops=0.5x,0.6x"), "budget '0.6x': expected COST=AMOUNT");
}

TEST(ParseBudget, RefusesWhatIsNone) {
  EXPECT_ERROR(parse_budget("0.5x"),
               "budget '0.5x': expected COST=AMOUNT, such as flops=0.5x or params=200k");
  EXPECT_ERROR(parse_budget("flop=0.5x"), "Did you mean 'flops'?");
  EXPECT_ERROR(parse_budget("=0.5x"), "unknown cost ''");
  EXPECT_ERROR(parse_budget("flops=half"), "budget 'flops=half'");
  EXPECT_ERROR(parse_budget("flops="), "budget 'flops='");
  EXPECT_ERROR(parse_budget("flops=x"), "budget 'flops=x'");
  EXPECT_ERROR(parse_budget("flops=0x"), "budget 'flops=0x': expected a finite amount above 0");
  EXPECT_ERROR(parse_budget("flops=-1M"), "expected a finite amount above 0");
  EXPECT_ERROR(parse_budget("flops=nan"), "budget 'flops=nan'");
  EXPECT_ERROR(parse_budget("flops=inf"), "budget 'flops=inf'");
}

TEST(SplitBudgets, AnAmountAloneIsOfTheCostBefore) {
  EXPECT_THAT(split_budgets("flops=0.5x"), ::testing::ElementsAre("flops=0.5x"));
  EXPECT_THAT(split_budgets("flops=0.75x, 0.5x,40M,params=0.5x,200k"),
              ::testing::ElementsAre(
                  "flops=0.75x", "flops=0.5x", "flops=40M", "params=0.5x", "params=200k"));
  EXPECT_THAT(split_budgets("latency:peak=9300,bandwidth=732=0.5x,0.25x,latency:V100=0.5x"),
              ::testing::ElementsAre("latency:peak=9300,bandwidth=732=0.5x",
                                     "latency:peak=9300,bandwidth=732=0.25x",
                                     "latency:V100=0.5x"));
}

TEST(SplitBudgets, RefusesWhatIsNone) {
  EXPECT_ERROR(split_budgets(""), "budgets: expected some");
  EXPECT_ERROR(split_budgets("0.5x,0.25x"), "budget '0.5x': expected COST=AMOUNT");
  EXPECT_ERROR(split_budgets("flops=0.5x,half"), "budget 'flops=half'");
  EXPECT_ERROR(split_budgets("flop=0.5x"), "Did you mean 'flops'?");
  EXPECT_ERROR(split_budgets("flops=0.5x,params=0.5x,flops=0.5x"), "flops=0.5x is there twice");
}

}  // namespace
}  // namespace morph
