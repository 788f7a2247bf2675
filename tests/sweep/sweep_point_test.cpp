#include "morph/sweep/sweep_point.h"

#include "expect_error.h"
#include "temporary_folder.h"

#include "morph/base/strings.h"

namespace morph {
namespace {

using ::testing::ElementsAre;

SweepRequest request() {
  return {.root = "out",
          .network = "out/networks/seed.morph",
          .data = "synthetic",
          .budgets = {"flops=0.5x"},
          .methods = sweep_methods(),
          .first_seed = 4,
          .seeds = 1,
          .epochs = 3,
          .retrain_epochs = 5,
          .passed_on = {{"learn", {"--gate", "gamma"}},
                        {"train", {"--batch-size", "8"}},
                        {"shrink", {"--keep", "fc"}},
                        {"expand", {"--round-to=8"}}}};
}

std::vector<std::string> commands(const SweepPoint& point) {
  std::vector<std::string> lines;
  for (const PointStep& step : point.steps) lines.push_back(join(step.arguments, " "));
  return lines;
}

TEST(PlanPoints, EachMethodByItsCommands) {
  const std::vector<SweepPoint> points = plan_points(request());
  ASSERT_EQ(points.size(), 5U);
  EXPECT_THAT(
      commands(points[0]),
      ElementsAre("train out/networks/seed.morph --epochs 5 --data synthetic --seed 4 --out "
                  "out/points/seed_seed4 --resume --batch-size 8"));
  EXPECT_THAT(commands(points[1]),
              ElementsAre("learn out/networks/seed.morph --budget flops=0.5x --epochs 3 "
                          "--retrain-epochs 5 --compare none --data synthetic --seed 4 --out "
                          "out/points/morphnet_flops=0.5x_seed4 --resume --gate gamma"));
  EXPECT_THAT(commands(points[2]),
              ElementsAre("expand out/networks/seed.morph --budget flops=0.5x -o "
                          "out/networks/uniform_flops=0.5x.morph --round-to=8",
                          "train out/networks/uniform_flops=0.5x.morph --epochs 5 --data synthetic "
                          "--seed 4 --out out/points/uniform_flops=0.5x_seed4 --resume "
                          "--batch-size 8"));
  EXPECT_THAT(commands(points[3]),
              ElementsAre("learn out/networks/seed.morph --budget flops=0.5x --epochs 3 "
                          "--retrain-epochs 5 --compare none --cost channels --data synthetic "
                          "--seed 4 --out out/points/l1_flops=0.5x_seed4 --resume --gate gamma"));
  EXPECT_THAT(commands(points[4]),
              ElementsAre("shrink out/networks/seed.morph --random 4 --budget flops=0.5x -o "
                          "out/networks/random_flops=0.5x_seed4.morph --keep fc",
                          "train out/networks/random_flops=0.5x_seed4.morph --epochs 5 --data "
                          "synthetic --seed 4 --out out/points/random_flops=0.5x_seed4 --resume "
                          "--batch-size 8"));
}

TEST(PlanPoints, SeedBySeedThenBudgetByBudget) {
  SweepRequest asked = request();
  asked.budgets = {"flops=0.5x", "params=200k"};
  asked.methods = {"uniform", "random"};
  asked.seeds = 2;
  std::vector<std::string> labels;
  for (const SweepPoint& point : plan_points(asked)) labels.push_back(point.label());
  EXPECT_THAT(labels,
              ElementsAre("seed network, seed 4",
                          "uniform flops=0.5x, seed 4",
                          "random flops=0.5x, seed 4",
                          "uniform params=200k, seed 4",
                          "random params=200k, seed 4",
                          "seed network, seed 5",
                          "uniform flops=0.5x, seed 5",
                          "random flops=0.5x, seed 5",
                          "uniform params=200k, seed 5",
                          "random params=200k, seed 5"));
}

TEST(PlanPoints, InheritingTrainsBothWays) {
  SweepRequest asked = request();
  asked.methods = {"morphnet"};
  EXPECT_EQ(plan_points(asked)[1].epochs, 3 + 5);
  asked.inherit = true;
  const SweepPoint point = plan_points(asked)[1];
  EXPECT_EQ(point.epochs, 3 + 5 + 5);
  EXPECT_THAT(commands(point).front(), ::testing::HasSubstr("--compare scratch --inherit "));
}

TEST(PlanPoints, TheSeedNetworkOfEachSeedTeachesTheOthers) {
  SweepRequest asked = request();
  asked.methods = {"morphnet", "uniform"};
  asked.seed_teaches = true;
  asked.passed_on["train"] = {"--distill=0.5"};
  for (const SweepPoint& point : plan_points(asked)) {
    const std::string last = commands(point).back();
    if (point.method == "seed") {
      EXPECT_FALSE(point.after);
      EXPECT_THAT(last, ::testing::Not(::testing::HasSubstr("--teacher")));
      EXPECT_THAT(last, ::testing::Not(::testing::HasSubstr("--distill")));
      continue;
    }
    const std::string teacher = cat("out/points/seed_seed", point.seed);
    EXPECT_THAT(last, ::testing::HasSubstr(cat("--teacher ", teacher, "/seed.morph")));
    ASSERT_TRUE(point.after);
    EXPECT_EQ(point.after->product, teacher + "/run.json");
  }
}

TEST(PlanPoints, RoundsAndWideningTakeTheirEpochs) {
  SweepRequest asked = request();
  asked.methods = {"morphnet"};
  asked.rounds = 2;
  asked.expands = true;
  EXPECT_EQ(plan_points(asked)[1].epochs, 2 * 3 + 2 * 5);
}

TEST(PlanPoints, NamesOfFilesHoldNoSlash) {
  SweepRequest asked = request();
  asked.methods = {"uniform"};
  asked.budgets = {"latency:my/device.json=0.5x"};
  const SweepPoint point = plan_points(asked)[1];
  EXPECT_EQ(point.folder, "out/points/uniform_latency-my-device.json=0.5x_seed4");
  EXPECT_EQ(point.steps[0].product, "out/networks/uniform_latency-my-device.json=0.5x.morph");
}

TEST(PointStep, IsFinishedWhenItsCheckpointsAreGone) {
  const TemporaryFolder folder;
  const PointStep step{.product = folder / "run.json"};
  EXPECT_FALSE(step.is_finished());
  overwrite(folder / "phases" / "request.json", "{}");
  EXPECT_FALSE(step.is_finished());
  overwrite(folder / "run.json", "{}");
  EXPECT_FALSE(step.is_finished()) << "the report may not be written yet";
  std::filesystem::remove_all(folder / "phases");
  EXPECT_TRUE(step.is_finished());
}

}  // namespace
}  // namespace morph
