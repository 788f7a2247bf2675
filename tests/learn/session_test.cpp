#include "morph/learn/session.h"

#include "expect_error.h"
#include "tiny_run.h"
#include <ATen/ops/equal.h>

#include "morph/base/file.h"

namespace morph {
namespace {

const TrainOptions kOptions = {.epochs = 2, .batch_size = 20, .seed = 5};

void expect_equal(const Params& a, const Params& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) EXPECT_TRUE(at::equal(tensor, b.at(name))) << name;
}

TEST(RunPhase, ThatHasEndedIsNotRunAgain) {
  const test::ScratchFolder scratch("learn_phase_done");
  GraphModule module = test::make_module(test::kLearner);
  test::TinyRun run(scratch.path());
  const TrainSummary summary =
      run_phase(run.session(), module, {.name = "seed", .options = kOptions});
  EXPECT_EQ(summary.epochs.size(), 2U);
  EXPECT_EQ(run.printed().find("done before"), std::string::npos);

  GraphModule again = test::make_module(test::kLearner, 99);
  test::TinyRun resumed(scratch.path(), ExistingRun::kResume);
  const TrainSummary same =
      run_phase(resumed.session(), again, {.name = "seed", .options = kOptions});
  EXPECT_EQ(resumed.printed(), "seed  done before\n");
  expect_equal(snapshot(again), snapshot(module));
  EXPECT_EQ(same.epochs.size(), 2U);
  EXPECT_EQ(same.final.top1, summary.final.top1);
  EXPECT_EQ(same.final.loss, summary.final.loss);
  EXPECT_EQ(same.final.examples, 50);
}

TEST(RunPhase, InterruptedGoesOnWhereItWas) {
  const test::ScratchFolder through_folder("learn_phase_through");
  GraphModule through = test::make_module(test::kLearner);
  test::TinyRun run(through_folder.path());
  run_phase(run.session(), through, {.name = "seed", .options = kOptions});

  const test::ScratchFolder scratch("learn_phase_stopped");
  GraphModule stopped = test::make_module(test::kLearner);
  test::TinyRun first(scratch.path(), ExistingRun::kRefuse, "seed");
  EXPECT_THROW(run_phase(first.session(), stopped, {.name = "seed", .options = kOptions}),
               Interrupted);
  GraphModule resumed = test::make_module(test::kLearner, 99);
  test::TinyRun second(scratch.path(), ExistingRun::kResume);
  run_phase(second.session(), resumed, {.name = "seed", .options = kOptions});
  EXPECT_NE(second.printed().find("seed  going on from its checkpoint"), std::string::npos);
  expect_equal(snapshot(resumed), snapshot(through));
}

TEST(RunPhase, DamagedOutcomeNamesTheFile) {
  const test::ScratchFolder scratch("learn_phase_damaged");
  GraphModule module = test::make_module(test::kLearner);
  test::TinyRun run(scratch.path());
  run_phase(run.session(), module, {.name = "seed", .options = kOptions});
  write_file(run.folder().phase("seed") / "outcome.json", "{\"epochs\": 3}");
  EXPECT_ERROR(run_phase(run.session(), module, {.name = "seed", .options = kOptions}),
               "phases/seed' is damaged");
  write_file(run.folder().phase("seed") / "outcome.json", "{");
  EXPECT_ERROR(run_phase(run.session(), module, {.name = "seed", .options = kOptions}),
               "outcome.json' is damaged");
}

TEST(Snapshot, IsACopy) {
  const GraphModule module = test::make_module(test::kLearner);
  const Params copies = snapshot(module);
  module.params().at("bn1.weight").detach().fill_(7);
  EXPECT_EQ(copies.at("bn1.weight")[0].item<float>(), 1);
  EXPECT_FALSE(copies.at("bn1.weight").requires_grad());
}

TEST(MeasureCosts, KnowsAllOfThem) {
  // conv1 36 pixels · 27 · 32, conv2 9 · 288 · 32, fc 128 multiply-adds.
  const auto costs = measure_costs(test::seed_network().graph);
  EXPECT_EQ(costs.size(), 3U);
  EXPECT_EQ(costs.at("flops"), 2 * (31104 + 82944 + 128));
  EXPECT_EQ(costs.at("params"), 864 + 9216 + 132 + 2 * 64);
  EXPECT_EQ(costs.at("activations"), 1152 + 288 + 4);
}

}  // namespace
}  // namespace morph
