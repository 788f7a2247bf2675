#include "morph/train/progress.h"

#include <algorithm>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

StepReport step_report() {
  return {.epoch = 3,
          .epochs = 30,
          .step = 120,
          .steps = 390,
          .loss = 0.43118,
          .top1 = 86.214,
          .images_per_second = 1234.4,
          .eta_seconds = 754};
}

EpochReport epoch_report() {
  return {.epoch = 3,
          .epochs = 30,
          .loss = 0.41,
          .train_top1 = 87.5,
          .test = {.loss = 0.3, .top1 = 85.25, .examples = 100},
          .seconds = 40.3,
          .images_per_second = 1250,
          .extra = {{"flops", 40123456.0},
                    {"strength", 1.25e-9},
                    {"name", "x"},
                    {"gates", {{"lowest", 1e-4}, {"counts", {1, 2}}}}}};
}

TEST(FormatDuration, ByHand) {
  EXPECT_EQ(format_duration(0.4), "0 s");
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(187), "3:07");
  EXPECT_EQ(format_duration(3765), "1:02:45");
}

TEST(ProgressPrinter, RewritesOneLineOnATerminal) {
  std::ostringstream out;
  ProgressPrinter printer(out, {.label = "structure", .target = ProgressTarget::kTerminal});
  printer.on_step(step_report());
  EXPECT_EQ(out.str(),
            "\r\x1b[K"
            "structure   3/30  [===       ] 120/390  loss 0.4312  top1 86.21 %    1234 "
            "img/s  ETA 12:34");
}

TEST(ProgressPrinter, EpochLineReplacesItAndStays) {
  std::ostringstream out;
  ProgressPrinter printer(out, {.label = "structure", .target = ProgressTarget::kTerminal});
  EpochReport report = epoch_report();
  printer.on_epoch(report);
  EXPECT_EQ(out.str(),
            "\r\x1b[K"
            "structure   3/30  loss 0.4100  train 87.50 %  test 85.25 %    1250 img/s  40 s      "
            "flops 40.12 M   name x  strength 1.25e-09\n");
}

TEST(ProgressPrinter, StepLinesCarryTheLastEpochsExtrasUpToTheWidth) {
  std::ostringstream out;
  ProgressPrinter printer(
      out, {.label = "structure", .target = ProgressTarget::kTerminal, .columns = 120});
  EpochReport report = epoch_report();
  printer.on_epoch(report);
  out.str("");
  printer.on_step(step_report());
  EXPECT_THAT(out.str(), HasSubstr("ETA 12:34  flops 40.12 M"));
  EXPECT_EQ(out.str().size(), 120 + std::string("\r\x1b[K").size());
}

TEST(ProgressPrinter, PrintsWholeLinesElsewhere) {
  std::ostringstream out;
  ProgressPrinter printer(out, {.label = "seed"});
  printer.on_step(step_report());
  EXPECT_EQ(out.str(), "") << "the first line within an epoch is due after 30 s";
  EpochReport report = epoch_report();
  printer.on_epoch(report);
  EXPECT_THAT(out.str(), StartsWith("seed   3/30  loss 0.4100"));
  EXPECT_EQ(out.str().find('\r'), std::string::npos);
  EXPECT_EQ(out.str().back(), '\n');
}

TEST(ProgressPrinter, PrintsLinesWithinLongEpochs) {
  std::ostringstream out;
  ProgressPrinter printer(out, {.label = "seed", .seconds_between_lines = 0});
  printer.on_step(step_report());
  EXPECT_EQ(out.str(),
            "seed   3/30  step 120/390  loss 0.4312  top1 86.21 %    1234 img/s  ETA 12:34\n");
  StepReport last = step_report();
  last.step = last.steps;
  printer.on_step(last);
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1)
      << "the epoch's own line follows the last step";
}

}  // namespace
}  // namespace morph
