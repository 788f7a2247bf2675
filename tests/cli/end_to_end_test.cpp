#include <string>

#include "command.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace morph {
namespace {

using nlohmann::json;
using test::kData;
using test::Workplace;

const char* const kNet =
    "morph 1\nnetwork net\nx = Input() shape=[1, 3, 12, 12]\n"
    "a = Conv(x; weight=[24, 3, 3, 3]) strides=[2, 2]\n"
    "na = BatchNormalization(a; weight=[24], bias=[24], running_mean=[24], running_var=[24])\n"
    "ra = Relu(na)\n"
    "b = Conv(ra; weight=[24, 24, 3, 3])\n"
    "nb = BatchNormalization(b; weight=[24], bias=[24], running_mean=[24], running_var=[24])\n"
    "rb = Relu(nb)\np = GlobalAveragePool(rb)\nf = Flatten(p)\n"
    "fc = Gemm(f; weight=[4, 24], bias=[4])\nreturn fc\n";

json json_of(const test::Outcome& outcome) {
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  return json::parse(outcome.out);
}

double flops(const Workplace& place, const std::string& network) {
  return json_of(place.morphnet("cost " + network + " --json"))
      .at("costs")
      .at("flops")
      .at("total")
      .get<double>();
}

/// Runs a command that must succeed and returns what it printed.
std::string done(const Workplace& place, const std::string& arguments) {
  const test::Outcome outcome = place.morphnet(arguments);
  EXPECT_EQ(outcome.code, 0) << arguments << "\n" << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return outcome.out;
}

void expect_complete_run(const Workplace& place) {
  for (const char* name : {"run.json",
                           "structure.json",
                           "report.html",
                           "seed.morph",
                           "seed.safetensors",
                           "learned.morph",
                           "learned.safetensors",
                           "expanded.morph"}) {
    EXPECT_TRUE(place.has(std::string("run/") + name)) << name;
  }
  EXPECT_FALSE(place.has("run/phases"));
}

void expect_run_json(const Workplace& place) {
  const json run = json::parse(place.read("run/run.json"));
  const json& result = run.at("result");
  EXPECT_EQ(result.at("seed").at("flops"), flops(place, "net.morph"));
  EXPECT_EQ(result.at("learned").at("flops"), flops(place, "run/learned.morph"));
  EXPECT_EQ(result.at("expanded").at("flops"), flops(place, "run/expanded.morph"));
  EXPECT_LE(result.at("learned").at("flops"), 0.5 * result.at("seed").at("flops").get<double>());
  EXPECT_GE(result.at("learned").at("flops"), 0.45 * result.at("seed").at("flops").get<double>());
  EXPECT_LE(result.at("expanded").at("flops"), result.at("seed").at("flops"));
  EXPECT_LT(run.at("equivalence").get<double>(), 1e-5);
  EXPECT_EQ(run.at("options").at("budgets").at(0), "flops=0.5x");
}

TEST(EndToEnd, LearnThenEveryCommandOnWhatItLeft) {
  const Workplace place("end_to_end");
  place.write("net.morph", kNet);
  const std::string learn = cat("learn net.morph --data ",
                                kData,
                                " --budget flops=0.5x --expand flops=1.0x --epochs 3 "
                                "--retrain-epochs 2 --batch-size 20 --out run");
  const std::string summary = done(place, learn);
  for (const char* word : {"seed", "learned", "expanded", "run/report.html", "relative"}) {
    EXPECT_NE(summary.find(word), std::string::npos) << word;
  }
  expect_complete_run(place);
  expect_run_json(place);
  EXPECT_REFUSED(place, learn, 1, "'run' holds a run already");
  EXPECT_REFUSED(place, learn + " --resume", 1, "the run in 'run' has ended");

  // The structure applied to the seed is the learned network.
  done(place, "shrink net.morph --structure run/structure.json -o small.morph");
  EXPECT_EQ(place.read("small.morph"), place.read("run/learned.morph"));
  done(place, "shrink run/seed.morph --structure run/structure.json -o cut.morph");
  EXPECT_TRUE(place.has("cut.safetensors"));
  done(place, "expand small.morph --budget flops=1.0x --relative-to net.morph -o wide.morph");
  EXPECT_EQ(place.read("wide.morph"), place.read("run/expanded.morph"));

  const json learned = json::parse(place.read("run/run.json")).at("result").at("learned");
  const json judged = json_of(place.morphnet(cat("eval run/learned.morph --json --data ", kData)));
  EXPECT_EQ(judged.at("top1"), learned.at("top1"));
  EXPECT_EQ(judged.at("examples"), 50);

  const std::string report = place.read("run/report.html");
  done(place, "report run");
  EXPECT_TRUE(place.read("run/report.html") == report) << "the report changed";
}

TEST(EndToEnd, TrainAndEvalAgreeWhateverTheSeed) {
  const Workplace place("train_eval");
  place.write("net.morph", kNet);
  done(place, cat("train net.morph --epochs 2 --batch-size 20 --seed 7 --out out --data ", kData));
  const json trained = json::parse(place.read("out/run.json")).at("result").at("trained");
  const json judged =
      json_of(place.morphnet(cat("eval out/net.morph --seed 7 --json --data ", kData)));
  EXPECT_EQ(judged.at("top1"), trained.at("top1"));
  // Training keeps weights in another memory order, so that float sums round differently.
  EXPECT_NEAR(judged.at("loss").get<double>(), trained.at("loss").get<double>(), 1e-6);
  const std::string line = done(place, cat("eval out/net.morph --seed 7 --data ", kData));
  EXPECT_EQ(line.rfind("top-1 ", 0), 0U) << line;
  // What it starts from is not changed.
  EXPECT_FALSE(place.has("net.safetensors"));
  EXPECT_EQ(place.read("net.morph"), kNet);
}

/// Starts a long training in the background and ends it by a signal once an epoch has been printed.
test::Outcome interrupted(const Workplace& place, const std::string& train) {
  return place.shell("\"$morphnet\" " + train +
                     " >log & p=$!\n"
                     "while ! grep -q '^train' log; do kill -0 $p || exit 98; sleep 0.05; done\n"
                     "kill -TERM $p; wait $p");
}

TEST(EndToEnd, InterruptedDamagedAndResumed) {
  const Workplace place("interrupted");
  place.write("net.morph", kNet);
  const std::string train =
      cat("train net.morph --epochs 20000 --batch-size 20 --out out --data ", kData);
  const test::Outcome stopped = interrupted(place, train);
  EXPECT_EQ(stopped.code, 1) << stopped.err;
  EXPECT_NE(stopped.err.find("--resume"), std::string::npos) << stopped.err;
  EXPECT_FALSE(place.has("out/run.json"));
  EXPECT_REFUSED(place, train, 1, "'out' holds a run already");
  EXPECT_REFUSED(place, train + " --resume --learning-rate 0.5", 1, "learning_rate");

  const std::string checkpoint = "out/phases/train/checkpoint.json";
  const std::string whole = place.read(checkpoint);
  place.write(checkpoint, whole.substr(0, whole.size() / 2));
  EXPECT_REFUSED(place, train + " --resume", 1, checkpoint);
  place.write(checkpoint, whole);
  const std::string tensors =
      cat("out/phases/train/", json::parse(whole).at("tensors").at("file").get<std::string>());
  const std::string bytes = place.read(tensors);
  std::string damaged = bytes;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  place.write(tensors, damaged);
  EXPECT_REFUSED(place, train + " --resume", 1, "damaged");
  place.write(tensors, bytes);
  const test::Outcome again = interrupted(place, train + " --resume");
  EXPECT_EQ(again.code, 1) << again.err;
  EXPECT_NE(place.read("log").find("going on from its checkpoint"), std::string::npos);
}

}  // namespace
}  // namespace morph
