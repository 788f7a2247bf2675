#include "morph/sweep/point_runner.h"

#include <algorithm>

#include "expect_error.h"
#include "temporary_folder.h"

#include "morph/base/file.h"
#include "morph/base/strings.h"

namespace morph {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A point whose steps are shell scripts; each has the file `product` of its folder to make.
SweepPoint point(const TemporaryFolder& folder,
                 const std::string& name,
                 const std::vector<std::pair<std::string, std::string>>& steps) {
  SweepPoint result{.method = name, .folder = folder / name};
  for (const auto& [script, product] : steps) {
    result.steps.push_back({.arguments = {"-c", cat("cd ", result.folder.string(), "; ", script)},
                            .product = result.folder / product});
  }
  return result;
}

RunnerOptions quick() { return {.program = "/bin/sh", .pause = std::chrono::milliseconds(2)}; }

TEST(RunPoints, StepAfterStepWithTheCommandsInTheLog) {
  const TemporaryFolder folder;
  const std::vector<SweepPoint> points = {
      point(folder, "a", {{"echo first; touch x", "x"}, {"cat x; echo second; touch y", "y"}})};
  const RunnerResult result = run_points(points, quick());
  EXPECT_THAT(result.failures, IsEmpty());
  EXPECT_FALSE(result.interrupted);
  EXPECT_TRUE(points[0].is_finished());
  const std::vector<std::string> log = split(read_file(points[0].log()), '\n');
  ASSERT_GE(log.size(), 4U);
  EXPECT_THAT(log[0], HasSubstr("$ morphnet -c cd "));
  EXPECT_EQ(log[1], "first");
  EXPECT_THAT(log[2], HasSubstr("cat x; echo second"));
  EXPECT_EQ(log[3], "second");
}

/// A point of one step that trains: it writes where.
SweepPoint training(const TemporaryFolder& folder, const std::string& name) {
  SweepPoint result{.method = name, .folder = folder / name};
  const std::string script = cat("sleep 0.2; echo $0 > ", (folder / name / "device").string());
  result.steps = {
      {.arguments = {"-c", script}, .product = folder / name / "device", .trains = true}};
  return result;
}

TEST(RunPoints, DevicesGetEqualShares) {
  const TemporaryFolder folder;
  std::vector<SweepPoint> points;
  for (const char* name : {"a", "b", "c", "d"}) points.push_back(training(folder, name));
  RunnerOptions options = quick();
  options.jobs = 4;
  options.devices = {"cuda:0", "cuda:1"};
  EXPECT_THAT(run_points(points, options).failures, IsEmpty());
  std::vector<std::string> devices;
  for (const char* name : {"a", "b", "c", "d"}) {
    devices.emplace_back(trim(read_file(folder / name / "device")));
  }
  EXPECT_THAT(
      devices,
      ElementsAre("--device=cuda:0", "--device=cuda:1", "--device=cuda:0", "--device=cuda:1"));
}

TEST(RunPoints, APointWaitsForWhatItNeedsAndOthersGoFirst) {
  const TemporaryFolder folder;
  std::vector<SweepPoint> points = {point(folder, "needs", {{"cat ../teaches/x; touch y", "y"}}),
                                    point(folder, "teaches", {{"sleep 0.1; echo 7 > x", "x"}})};
  points[0].after = points[1].steps[0];
  RunnerOptions options = quick();
  options.jobs = 2;
  EXPECT_THAT(run_points(points, options).failures, IsEmpty());
  EXPECT_THAT(read_file(points[0].log()), HasSubstr("7"));
}

TEST(RunPoints, AfterAFailureWhatWaitsForItIsGivenUp) {
  const TemporaryFolder folder;
  std::vector<SweepPoint> points = {point(folder, "teaches", {{"exit 3", "x"}}),
                                    point(folder, "needs", {{"touch y", "y"}})};
  points[1].after = points[0].steps[0];
  const RunnerResult result = run_points(points, quick());
  ASSERT_EQ(result.failures.size(), 2U);
  EXPECT_EQ(result.failures[1].point, points[1].label());
  EXPECT_THAT(result.failures[1].reason, HasSubstr("could not be trained"));
  EXPECT_EQ(result.failures[1].log, points[0].log());
  EXPECT_FALSE(points[1].is_finished());
}

TEST(RunPoints, WhatIsFinishedIsNotRunAgain) {
  const TemporaryFolder folder;
  const std::vector<SweepPoint> points = {
      point(folder, "done", {{"echo again; touch x", "x"}}),
      point(folder, "half", {{"echo again; touch x", "x"}, {"touch y", "y"}})};
  overwrite(folder / "done" / "x", "");
  overwrite(folder / "half" / "x", "");
  std::vector<std::string> ended;
  RunnerOptions options = quick();
  options.on_end = [&](const SweepPoint& p, const SweepFailure*) { ended.push_back(p.method); };
  run_points(points, options);
  EXPECT_THAT(ended, ElementsAre("half"));
  EXPECT_FALSE(std::filesystem::exists(points[0].log()));
  EXPECT_EQ(read_file(points[1].log()).find("again"), std::string::npos);
}

TEST(RunPoints, OneThatFailsDoesNotLoseTheOthers) {
  const TemporaryFolder folder;
  const std::vector<SweepPoint> points = {
      point(folder, "bad", {{"echo 'morphnet: no such thing' >&2; exit 1", "x"}, {"touch y", "y"}}),
      point(folder, "killed", {{"kill -9 $$", "x"}}),
      point(folder, "good", {{"touch x", "x"}})};
  std::vector<std::string> failed;
  RunnerOptions options = quick();
  options.on_end = [&](const SweepPoint& p, const SweepFailure* failure) {
    if (failure != nullptr) failed.push_back(p.method);
  };
  const RunnerResult result = run_points(points, options);
  EXPECT_THAT(failed, ElementsAre("bad", "killed"));
  ASSERT_EQ(result.failures.size(), 2U);
  EXPECT_EQ(result.failures[0].point, "bad , seed 0");
  EXPECT_EQ(result.failures[0].reason, "no such thing");
  EXPECT_EQ(result.failures[0].log, (folder / "bad" / "log.txt").string());
  EXPECT_EQ(result.failures[1].reason, "ended by signal 9");
  EXPECT_FALSE(std::filesystem::exists(folder / "bad" / "y"));
  EXPECT_TRUE(points[2].is_finished());
}

TEST(RunPoints, AStepThatLeavesNothingIsNotRunForEver) {
  const TemporaryFolder folder;
  const RunnerResult result = run_points({point(folder, "a", {{"true", "x"}})}, quick());
  ASSERT_EQ(result.failures.size(), 1U);
  EXPECT_EQ(result.failures[0].reason, "it ended well but left nothing behind");
}

TEST(RunPoints, AsManyAtOnceAsThereAreJobs) {
  // Each of two waits for the other, so that one at a time would never end.
  const auto meeting = [](const std::string& mine, const std::string& other) {
    return cat("touch ", mine, "; while ! test -e ../", other, "/", other, "; do sleep 0.01; done");
  };
  const TemporaryFolder folder;
  const std::vector<SweepPoint> points = {
      point(folder, "a", {{meeting("a", "b") + "; sleep 0.1; touch x", "x"}}),
      point(folder, "b", {{meeting("b", "a") + "; sleep 0.1; touch x", "x"}}),
      point(folder, "c", {{"touch x", "x"}})};
  size_t most = 0;
  RunnerOptions options = quick();
  options.jobs = 2;
  options.on_pause = [&](const auto& running) { most = std::max(most, running.size()); };
  EXPECT_THAT(run_points(points, options).failures, IsEmpty());
  EXPECT_EQ(most, 2U);
  EXPECT_TRUE(points[2].is_finished());
}

TEST(RunPoints, WhenStoppedWhatRunsIsAskedToEnd) {
  const TemporaryFolder folder;
  const std::string patient =
      "trap 'touch checkpoint; exit 1' TERM; touch started; while :; do sleep 0.01; done";
  const std::vector<SweepPoint> points = {point(folder, "runs", {{patient, "x"}}),
                                          point(folder, "waits", {{"touch x", "x"}})};
  std::atomic<bool> stop{false};
  RunnerOptions options = quick();
  options.stop = &stop;
  options.on_pause = [&](const auto&) {
    stop = std::filesystem::exists(folder / "runs" / "started");
  };
  const RunnerResult result = run_points(points, options);
  EXPECT_TRUE(result.interrupted);
  EXPECT_THAT(result.failures, IsEmpty()) << "it was asked to";
  EXPECT_TRUE(std::filesystem::exists(folder / "runs" / "checkpoint"));
  EXPECT_FALSE(std::filesystem::exists(folder / "waits"));
}

TEST(RunPoints, TheEnvironmentIsHandedOn) {
  const TemporaryFolder folder;
  const std::vector<SweepPoint> points = {
      point(folder, "a", {{"echo $MORPH_RUNNER_TEST > x", "x"}})};
  RunnerOptions options = quick();
  options.environment = {{"MORPH_RUNNER_TEST", "7"}};
  run_points(points, options);
  EXPECT_EQ(read_file(folder / "a" / "x"), "7\n");
}

}  // namespace
}  // namespace morph
