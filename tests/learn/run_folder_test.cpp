#include "morph/learn/run_folder.h"

#include "expect_error.h"
#include "train/fixtures.h"

#include "morph/base/file.h"
#include "morph/base/json_file.h"

namespace morph {
namespace {

using nlohmann::json;

TEST(RunFolder, IsMadeAndWrittenInto) {
  const test::ScratchFolder scratch("run_folder");
  const RunFolder folder(scratch.path() / "a" / "b", ExistingRun::kRefuse);
  folder.write_json("x.json", {{"k", 1}});
  EXPECT_EQ(read_json(folder.root() / "x.json"), json({{"k", 1}}));
  EXPECT_EQ(folder.file("x.json"), scratch.path() / "a" / "b" / "x.json");
}

TEST(RunFolder, AnEmptyOneOrOneWithOtherFilesIsNoRun) {
  const test::ScratchFolder scratch("run_folder_other");
  write_file(scratch.path() / "notes.txt", "mine");
  const RunFolder folder(scratch.path(), ExistingRun::kRefuse);
  folder.begin({{"data", "synthetic"}});  // Ended before its first phase wrote anything.
  const RunFolder again(scratch.path(), ExistingRun::kRefuse);
  again.begin({{"data", "cifar10"}});
}

TEST(RunFolder, RefusesToOverwriteARun) {
  const test::ScratchFolder scratch("run_folder_refuse");
  const RunFolder folder(scratch.path(), ExistingRun::kRefuse);
  folder.finish_phase("seed", {{"top1", 90}});
  EXPECT_ERROR(RunFolder(scratch.path(), ExistingRun::kRefuse), "holds a run already");
  folder.remove_phases();
  folder.write_json("run.json", {});
  EXPECT_ERROR(RunFolder(scratch.path(), ExistingRun::kRefuse),
               "' holds a run already; choose another folder with --out, go on with it by "
               "--resume, or remove it");
}

TEST(RunFolder, RemembersFinishedPhases) {
  const test::ScratchFolder scratch("run_folder_resume");
  const RunFolder folder(scratch.path(), ExistingRun::kRefuse);
  EXPECT_EQ(folder.finished_phase("seed"), std::nullopt);
  folder.finish_phase("seed", {{"top1", 90}});
  const RunFolder again(scratch.path(), ExistingRun::kResume);
  EXPECT_EQ(again.finished_phase("seed"), json({{"top1", 90}}));
  EXPECT_EQ(again.finished_phase("learned"), std::nullopt);
  again.remove_phases();
  EXPECT_EQ(again.finished_phase("seed"), std::nullopt);
}

TEST(RunFolder, ARunThatHasEndedCannotGoOn) {
  const test::ScratchFolder scratch("run_folder_ended");
  const RunFolder folder(scratch.path(), ExistingRun::kRefuse);
  folder.write_json("run.json", {});
  EXPECT_ERROR(RunFolder(scratch.path(), ExistingRun::kResume),
               "' has ended, there is nothing to go on with");
}

TEST(RunFolder, GoesOnOnlyWithTheSameRequest) {
  const test::ScratchFolder scratch("run_folder_request");
  const json request = {{"data", "synthetic"},
                        {"options", {{"budgets", {"flops=0.5x"}}, {"workers", 1}, {"seed", 3}}}};
  const RunFolder folder(scratch.path(), ExistingRun::kRefuse);
  folder.begin(request);
  folder.finish_phase("seed", {});
  const RunFolder again(scratch.path(), ExistingRun::kResume);
  again.begin(request);

  json other = request;
  other["options"]["workers"] = 8;
  again.begin(other);
  other["options"]["budgets"][0] = "flops=0.3x";
  EXPECT_ERROR(again.begin(other),
               "' holds a run with options/budgets/0 = \"flops=0.5x\", this one has "
               "\"flops=0.3x\": go on with the same settings or choose another folder with --out");
  other = request;
  other["options"]["strength"] = 1e-9;
  EXPECT_ERROR(again.begin(other), "a run with options/strength = null, this one has 1e-09");
  other = request;
  other.erase("data");
  EXPECT_ERROR(again.begin(other), "a run with data = \"synthetic\", this one has null");
}

TEST(RunFolder, CannotBeWritten) {
  const test::ScratchFolder scratch("run_folder_file");
  write_file(scratch.path() / "file", "x");
  EXPECT_ERROR(RunFolder(scratch.path() / "file", ExistingRun::kRefuse), "file");
  EXPECT_ERROR(RunFolder("/proc/morphnet", ExistingRun::kRefuse), "/proc/morphnet");
}

}  // namespace
}  // namespace morph
