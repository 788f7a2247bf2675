#include "morph/learn/event_writer.h"

#include "learn/tiny_run.h"
#include "temporary_folder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/file.h"

namespace morph {
namespace {

using ::testing::HasSubstr;

EpochReport report_of(int64_t epoch) {
  return {.epoch = epoch,
          .loss = 0.5,
          .penalty = 0.25,
          .learning_rate = 0.1,
          .train_top1 = 80,
          .test = {.loss = 0.75, .top1 = 70},
          .images_per_second = 1000,
          .extra = {{"cost.flops", 0.9},
                    {"note", "x"},
                    {"gates", {{"lowest", 1e-4}, {"per_decade", 4}, {"counts", {1, 2, 3}}}}}};
}

TEST(EventOf, TagsByHand) {
  const LogEvent event = event_of(report_of(3));
  EXPECT_EQ(event.step, 3);
  EXPECT_EQ(event.scalars,
            (std::map<std::string, double>{{"loss/train", 0.5},
                                           {"loss/test", 0.75},
                                           {"loss/penalty", 0.25},
                                           {"accuracy/train", 80},
                                           {"accuracy/test", 70},
                                           {"rate", 0.1},
                                           {"images_per_second", 1000},
                                           {"cost/flops", 0.9}}));
  EXPECT_EQ(event.histograms.at("gates").counts, (std::vector<int64_t>{1, 2, 3}));
}

TEST(HyperParameters, NestedNamesAndKindsByHand) {
  const nlohmann::json options = {{"budgets", {"flops=0.5x", "params=1k"}},
                                  {"structure", {{"epochs", 3}, {"rate", 0.1}, {"flip", false}}},
                                  {"teacher", nullptr},
                                  {"costs", nlohmann::json::array()}};
  using Parameters = std::map<std::string, HyperParameter>;
  EXPECT_EQ(hyper_parameters_of(options),
            (Parameters{{"budgets/0", "flops=0.5x"},
                        {"budgets/1", "params=1k"},
                        {"structure/epochs", 3.0},
                        {"structure/rate", 0.1},
                        {"structure/flip", false}}));
}

TEST(EventWriter, EpochsThatAreRunAgainReplaceThemselves) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "events.out.tfevents.0.morphnet";
  const auto write = [&](int64_t first, int64_t last) {
    EventWriter writer(path);
    for (int64_t epoch = first; epoch <= last; ++epoch) {
      EpochReport report = report_of(epoch);
      writer.on_epoch(report);
    }
    return read_file(path).size();
  };
  const size_t whole = write(1, 4);
  EXPECT_EQ(write(3, 4), whole);
  EXPECT_EQ(write(5, 5) - whole, (whole - 40) / 4);
}

TEST(EventWriter, ARunOfLearnHasEventsOfEachPhaseAndOfTheCut) {
  const TemporaryFolder folder;
  test::TinyRun run(folder.path());
  Session session = run.session();
  session.tensorboard = true;
  learn(session, test::seed_network(), test::tiny_options());
  const auto events = [&](const std::string& phase) {
    return read_file(event_file(run.folder(), phase));
  };
  EXPECT_THAT(events("seed"), HasSubstr("accuracy/test"));
  EXPECT_THAT(events("structure-1"), HasSubstr("strength/flops"));
  EXPECT_THAT(events("structure-1"), HasSubstr("gates"));
  EXPECT_THAT(events("cut-1"), HasSubstr("width/conv1"));
  EXPECT_THAT(events("cut-1"), HasSubstr("| conv2 | 32 | "));
  EXPECT_THAT(events("learned"), HasSubstr("loss/train"));
  EXPECT_THAT(events(""), HasSubstr("structure/learning_rate"));
}

}  // namespace
}  // namespace morph
