#include "morph/sweep/sweep_progress.h"

#include "expect_error.h"
#include "temporary_folder.h"

#include "morph/base/strings.h"

namespace morph {
namespace {

const char* const kTwoEpochs =
    "$ morphnet train x\n"
    "seed  1/2  loss 0.4171  train 82.03 %  test 90.62 %   39603 img/s  0 s\n"
    "seed  2/2  step   3/ 16  loss 0.3  top1 80 %  39603 img/s  ETA 0 s\n"
    "structure-1   2/2  loss 0.2  train 82 %  test 34.38 %  37344 img/s  0 s  cost.flops 0.4817\n"
    "cut  flops 49.4 k (0.4973x)  at threshold 0.001369, test 87.89 % before retraining\n";

TEST(EpochsInLog, CountsLinesOfWholeEpochs) {
  EXPECT_EQ(epochs_in_log(kTwoEpochs), 2);
  EXPECT_EQ(epochs_in_log(""), 0);
}

SweepPoint point(const TemporaryFolder& folder, const std::string& name) {
  return {.method = name,
          .folder = folder / name,
          .epochs = 10,
          .steps = {{.product = folder / name / "run.json"}}};
}

TEST(SweepProgress, ExtrapolatesFromTheEpochsOfThisCall) {
  const TemporaryFolder folder;
  const std::vector<SweepPoint> points = {
      point(folder, "a"), point(folder, "b"), point(folder, "c")};
  overwrite(folder / "a" / "run.json", "{}");  // 10 epochs in an earlier call.
  const SweepProgress progress(points);
  EXPECT_EQ(progress.seconds_left(5), std::nullopt);
  EXPECT_EQ(progress.text(5), "1 of 3 points");
  overwrite(folder / "b" / "log.txt", kTwoEpochs);
  // 2 epochs in 7 s; 18 are left.
  EXPECT_EQ(progress.seconds_left(7), 63);
  EXPECT_EQ(progress.text(7), "1 of 3 points, 1 min 3 s left");
  overwrite(folder / "b" / "run.json", "{}");
  EXPECT_EQ(progress.seconds_left(20), 20);
  EXPECT_EQ(progress.points_done(), 2);
}

TEST(SweepProgress, EpochsOfAnEarlierCallSayNothingOfTheSpeed) {
  const TemporaryFolder folder;
  const std::vector<SweepPoint> points = {point(folder, "a")};
  overwrite(folder / "a" / "log.txt", kTwoEpochs);
  const SweepProgress progress(points);
  EXPECT_EQ(progress.seconds_left(100), std::nullopt);
  overwrite(folder / "a" / "log.txt", cat(kTwoEpochs, kTwoEpochs));
  EXPECT_EQ(progress.seconds_left(4), 12);
}

}  // namespace
}  // namespace morph
