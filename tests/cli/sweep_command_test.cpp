#include <algorithm>
#include <string>

#include "command.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace morph {
namespace {

using nlohmann::json;
using test::Outcome;
using test::Workplace;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kUser = 1;
constexpr int kUsage = 2;

/// A sweep of a few seconds.
std::string tiny(const std::string& more) {
  return "sweep 'zoo:mlp?width=0.125' --data 'synthetic?classes=4&input=1x6x6&train=64&test=32' "
         "--batch-size 16 --epochs 1 --retrain-epochs 1 " +
         more;
}

json results(const Workplace& place) {
  return json::parse(place.read("out/results.json")).at("results");
}

TEST(CliSweep, EveryMethodThenNothingTwiceThenMore) {
  const Workplace place("sweep");
  const std::string sweep = tiny(
      "--budgets flops=0.5x --methods morphnet,uniform,l1,random --jobs 2 --inherit --out out");
  const Outcome first = place.morphnet(sweep);
  ASSERT_EQ(first.code, 0) << first.out << first.err;
  EXPECT_THAT(first.out, HasSubstr("5 points, 0 done before"));
  EXPECT_THAT(first.out, HasSubstr(" % (inherited)  top-1 "));
  // The learned ones from inherited and from fresh weights.
  EXPECT_EQ(results(place).size(), 1U + 2U + 1U + 2U + 1U);
  const json seed = results(place).at(0);
  EXPECT_EQ(seed.at("method"), "seed");
  for (const json& row : results(place)) {
    if (row.at("method") != "seed") {
      EXPECT_LE(row.at("mflops"), 0.5 * seed.at("mflops").get<double>()) << row;
      EXPECT_GE(row.at("mflops"), 0.35 * seed.at("mflops").get<double>()) << row;
    }
    EXPECT_EQ(row.at("epochs"), row.at("inherited") == true ? 2 : 1) << row;
    EXPECT_EQ(row.at("network"), "mlp");
  }
  EXPECT_EQ(json::parse(place.read("out/results.json")).at("device"), "CPU");
  for (const char* file : {"results.csv", "sweep.html", "sweep-flops.svg"}) {
    EXPECT_TRUE(place.has(std::string("out/") + file)) << file;
  }

  const std::string before = place.read("out/results.csv");
  const Outcome again = place.morphnet(sweep);
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("5 points, 5 done before"));
  EXPECT_EQ(place.read("out/results.csv"), before);

  const Outcome more =
      place.morphnet(tiny("--budgets flops=0.5x,0.25x --methods uniform --inherit --out out"));
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_THAT(more.out, HasSubstr("3 points, 2 done before"));
  EXPECT_EQ(results(place).size(), 3U);
  EXPECT_REFUSED(place,
                 tiny("--budgets flops=0.5x --learning-rate 0.5 --inherit --out out"),
                 kUser,
                 "'out' holds a sweep with options/--learning-rate/0 = null, this one has \"0.5\"");
  EXPECT_REFUSED(place, tiny("--budgets flops=0.5x --out out"), kUser, "inherit = true");
}

TEST(CliSweep, TheSeedNetworkTeaches) {
  const Workplace place("sweep_taught");
  const Outcome outcome = place.morphnet(
      tiny("--budgets flops=0.5x --methods morphnet,uniform --distill 0.5 --jobs 3 --out out"));
  ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(results(place).size(), 3U);
  for (const char* point : {"morphnet_flops=0.5x_seed0", "uniform_flops=0.5x_seed0"}) {
    const std::string folder = cat("out/points/", point);
    EXPECT_THAT(place.read(folder + "/log.txt"),
                HasSubstr("--teacher out/points/seed_seed0/seed.morph"));
    const json run = json::parse(place.read(folder + "/run.json"));
    const json& options = run.at("options");
    EXPECT_EQ((options.contains("retrain") ? options.at("retrain") : options).at("distillation"),
              0.5);
  }
}

TEST(CliSweep, EveryMethodRoundsItsWidths) {
  const Workplace place("sweep_rounded");
  const Outcome outcome = place.morphnet(
      tiny("--budgets flops=0.7x --methods morphnet,uniform,l1,random --round-to 4 --out out"));
  ASSERT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  for (const char* network : {"points/morphnet_flops=0.7x_seed0/learned.morph",
                              "networks/uniform_flops=0.7x.morph",
                              "points/l1_flops=0.7x_seed0/learned.morph",
                              "networks/random_flops=0.7x_seed0.morph"}) {
    const json cost = json::parse(place.morphnet(cat("cost out/", network, " --json")).out);
    for (const json& layer : cost.at("layers")) {
      if (layer.at("name") == "fc3") continue;  // The classes.
      EXPECT_EQ(layer.at("out").get<int64_t>() % 4, 0) << network << layer;
    }
  }
}

TEST(CliSweep, OnePointThatFailsIsToldAndTriedAgain) {
  const Workplace place("sweep_fails");
  // The network has no 0.01x: the points fail, the seed does not.
  const Outcome outcome =
      place.morphnet(tiny("--budgets flops=0.001x --methods uniform --out out"));
  EXPECT_EQ(outcome.code, kUser);
  EXPECT_THAT(outcome.err, HasSubstr("1 of 2 points failed; the same command tries them again"));
  EXPECT_THAT(outcome.out, HasSubstr("uniform flops=0.001x, seed 0  FAILED: budget flops="));
  EXPECT_THAT(outcome.out, HasSubstr("see out/points/uniform_flops=0.001x_seed0/log.txt"));
  EXPECT_EQ(results(place).size(), 1U);
  EXPECT_THAT(place.read("out/sweep.html"), HasSubstr("What failed"));
  EXPECT_THAT(place.read("out/points/uniform_flops=0.001x_seed0/log.txt"),
              HasSubstr("$ morphnet expand "));
}

TEST(CliSweep, KilledOrInterruptedItGoesOn) {
  const Workplace place("sweep_killed");
  const std::string sweep =
      "sweep 'zoo:mlp?width=0.125' --data 'synthetic?classes=4&input=1x6x6&train=64&test=32' "
      "--batch-size 16 --epochs 1 --retrain-epochs 400 --budgets flops=0.5x --methods uniform "
      "--out out";
  const std::string log = "out/points/seed_seed0/log.txt";
  for (const char* how : {"KILL", "TERM"}) {
    const Outcome outcome = place.shell(cat("epochs() { cat ",
                                            log,
                                            " 2>/dev/null | grep -c loss; }\n",
                                            "n=$(epochs)\n\"$morphnet\" ",
                                            sweep,
                                            " >log 2>err & p=$!\n",
                                            "while [ $(epochs) -le $n ]; do\n",
                                            "  kill -0 $p || exit 98; sleep 0.05; done\n",
                                            "kill -",
                                            how,
                                            " $p; wait $p"));
    EXPECT_EQ(outcome.code, std::string(how) == "KILL" ? 128 + 9 : kUser) << outcome.err;
    // What ran was asked to end, wrote its checkpoint and did.
    const Outcome gone = place.shell(cat("for i in $(seq 200); do grep -c 'stopped at' ",
                                         log,
                                         " && exit 0; sleep 0.05; done; exit 1"));
    EXPECT_EQ(gone.code, 0) << how;
    EXPECT_FALSE(place.has("out/points/seed_seed0/run.json"));
  }
  EXPECT_THAT(place.read("err"), HasSubstr("stopped at 0 of 2 points; the same command goes on"));
  const Outcome rest = place.morphnet(sweep);
  EXPECT_EQ(rest.code, 0) << rest.err;
  EXPECT_THAT(place.read(log), HasSubstr("going on from its checkpoint"));
  EXPECT_EQ(results(place).at(0).at("epochs"), 400);
}

TEST(CliSweep, WhatIsWrongIsSaidBeforeAnythingIsTrained) {
  const Workplace place("sweep_errors");
  const auto refused = [&](const std::string& more, const std::string& message) {
    EXPECT_REFUSED(place, tiny(more), kUser, message);
    EXPECT_FALSE(place.has("out/points"));
  };
  refused("--budgets flops=half --out out", "budget 'flops=half'");
  refused("--budgets 0.5x --out out", "expected COST=AMOUNT");
  refused("--budgets flops=0.5x --methods morphnet,unifrm --out out", "Did you mean 'uniform'?");
  refused("--budgets flops=0.5x --seeds 0 --out out", "--seeds: expected 1 or more, got 0");
  refused("--budgets flops=0.5x --jobs 0 --out out", "--jobs: expected 1 or more, got 0");
  refused("--budgets flops=0.5x --device gpu --out out", "device 'gpu' is unknown");
  EXPECT_REFUSED(place, tiny("--out out"), kUsage, "--budgets is required");
  EXPECT_REFUSED(place, tiny("--budgets flops=0.5x"), kUsage, "--out is required");
  EXPECT_REFUSED(
      place, tiny("--budgets flops=0.5x --out out --bach-size 3"), kUsage, "--bach-size");
}

TEST(CliSweep, HelpHasTheOptionsOfLearn) {
  const Workplace place("sweep_help");
  const std::string help = place.morphnet("sweep --help").out;
  for (const char* option : {"--gate", "--threshold", "--learning-rate", "--device", "--keep"}) {
    EXPECT_THAT(help, HasSubstr(option));
  }
  EXPECT_THAT(help, Not(HasSubstr("--resume")));
  EXPECT_THAT(help, Not(HasSubstr("--compare")));
}

}  // namespace
}  // namespace morph
