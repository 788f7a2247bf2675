#include <string>

#include "command.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

using test::kData;
using test::Workplace;

constexpr int kUser = 1;
constexpr int kUsage = 2;

const char* const kTinyNet =
    "morph 1\nnetwork tiny\nx = Input() shape=[1, 3, 12, 12]\n"
    "a = Conv(x; weight=[8, 3, 3, 3])\n"
    "n = BatchNormalization(a; weight=[8], bias=[8], running_mean=[8], running_var=[8])\n"
    "r = Relu(n)\np = GlobalAveragePool(r)\nf = Flatten(p)\n"
    "fc = Gemm(f; weight=[4, 8], bias=[4])\nreturn fc\n";

TEST(CliUsage, ExitStatus2WithAHint) {
  const Workplace place("usage");
  EXPECT_REFUSED(place, "", kUsage, "Try: morphnet --help");
  EXPECT_REFUSED(place, "lern", kUsage, "there is no command 'lern'. Did you mean 'learn'?");
  EXPECT_REFUSED(place, "cost", kUsage, "NET is required");
  EXPECT_REFUSED(place, "cost zoo:mlp --jsn", kUsage, "--jsn");
  EXPECT_REFUSED(place, "train zoo:mlp", kUsage, "--data is required");
  EXPECT_REFUSED(place, "train zoo:mlp --data synthetic --epochs few", kUsage, "few");
  EXPECT_REFUSED(place, "expand zoo:mlp -o x.morph", kUsage, "--budget is required");
  EXPECT_REFUSED(place, "shrink zoo:mlp -o x.morph", kUsage, "--structure, or --random with");
  EXPECT_REFUSED(place, "shrink zoo:mlp --random 1 -o x.morph", kUsage, "--budget");
}

TEST(CliUsage, HelpAndVersion) {
  const Workplace place("help");
  for (const char* arguments : {"--help", "learn --help", "--help-all"}) {
    const test::Outcome help = place.morphnet(arguments);
    EXPECT_EQ(help.code, 0);
    EXPECT_NE(help.out.find("Usage"), std::string::npos);
    EXPECT_EQ(help.err, "");
  }
  EXPECT_EQ(place.morphnet("--version").out.rfind("morphnet ", 0), 0U);
}

TEST(CliErrors, Network) {
  const Workplace place("network");
  EXPECT_REFUSED(place, "cost zoo:resnet21", kUser, "unknown network 'resnet21'");
  EXPECT_REFUSED(place, "cost zoo:resnet21", kUser, "Did you mean 'resnet20'?");
  EXPECT_REFUSED(
      place,
      "cost resnet20",
      kUser,
      "'resnet20' is neither zoo:NAME nor a file X.morph or X.onnx; did you mean zoo:resnet20?");
  EXPECT_REFUSED(place, "cost 'zoo:mlp?widht=2'", kUser, "Did you mean 'width'?");
  EXPECT_REFUSED(place, "cost none.morph", kUser, "cannot read 'none.morph'");
}

TEST(CliErrors, NetworkFile) {
  const Workplace place("network_file");
  const auto refused = [&](const std::string& nodes, const char* message) {
    place.write("x.morph", "morph 1\nnetwork n\nx = Input() shape=[1, 3, 8, 8]\n" + nodes);
    EXPECT_REFUSED(place, "cost x.morph", kUser, message);
  };
  refused("y = Convolution(x)\nreturn y\n", "'x.morph': [y: Convolution] unknown op 'Convolution'");
  refused("y = Conv(x; weight=[4, 5, 1, 1])\nreturn y\n",
          "'x.morph': [y: Conv] a weight of shape [4, 5, 1, 1] with group = 1 does not fit an "
          "input of shape [1, 3, 8, 8]");
  refused("y = Relu(x\n", "'x.morph': line 5, column 1");
  refused(
      "a = Conv(x; weight=[4, 3, 1, 1] @ w)\nb = Conv(x; weight=[5, 3, 1, 1] @ w)\nreturn a, "
      "b\n",
      "[b: Conv] param 'weight' gives the tensor 'w' the shape [5, 3, 1, 1], but [a: Conv] "
      "gives it [4, 3, 1, 1]");
}

TEST(CliErrors, Weights) {
  const Workplace place("weights");
  place.write("tiny.morph", kTinyNet);
  place.write("tiny.safetensors", "garbage");
  EXPECT_REFUSED(place, "show tiny.morph", kUser, "tiny.safetensors");
  EXPECT_REFUSED(place,
                 cat("eval zoo:mlp --data ", kData),
                 kUser,
                 "'zoo:mlp' has no weights to evaluate; train it first: morphnet train zoo:mlp");
}

TEST(CliErrors, Data) {
  const Workplace place("data");
  EXPECT_REFUSED(place, "train zoo:mlp --data cifar11", kUser, "Did you mean 'cifar10'?");
  EXPECT_REFUSED(place, "train zoo:mlp --data cifar10:/none", kUser, "/none");
  EXPECT_REFUSED(place, "train zoo:mlp --data folder:/none", kUser, "/none");
  EXPECT_REFUSED(place, "train zoo:mlp --data fashion-mnist:/none", kUser, "/none");
  place.write("tiny.morph", kTinyNet);
  EXPECT_REFUSED(place, "train tiny.morph --data synthetic --epochs 1", kUser, "32");
}

TEST(CliErrors, Teachers) {
  const Workplace place("teachers");
  EXPECT_REFUSED(place,
                 "train zoo:mlp --data synthetic --distill 0.5",
                 kUser,
                 "to learn from: give --teacher");
  EXPECT_REFUSED(
      place, "train zoo:mlp --data synthetic --teacher zoo:mlp", kUser, "'zoo:mlp' has no weights");
  EXPECT_REFUSED(place,
                 "learn zoo:mlp --data synthetic --budget flops=0.5x --distill 0 --teacher zoo:mlp",
                 kUser,
                 "--teacher: 'zoo:mlp' has no say with --distill 0");
  EXPECT_REFUSED(place,
                 "learn zoo:mlp --data synthetic --budget flops=0.5x --distill 0.5,4,2",
                 kUser,
                 "--distill: expected WEIGHT or WEIGHT,TEMPERATURE");
}

TEST(CliErrors, Budget) {
  const Workplace place("budget");
  place.write("tiny.morph", kTinyNet);
  const auto learn = [](const std::string& rest) {
    return cat("learn tiny.morph --data ", kData, " --epochs 1 ", rest);
  };
  // One of 8 channels is left: 2 · (100 · 27 + 4) FLOPs.
  EXPECT_REFUSED(place,
                 learn("--budget flops=0.01x"),
                 kUser,
                 "budget flops=432.6 cannot be reached: the nearest is 5.408 k FLOPs (0.125x)");
  EXPECT_REFUSED(place, learn("--budget flops=half"), kUser, "budget 'flops=half'");
  EXPECT_REFUSED(place, learn("--budget flop=0.5x"), kUser, "Did you mean 'flops'?");
  EXPECT_REFUSED(place, learn(""), kUser, "give --budget, such as --budget flops=0.5x");
  EXPECT_REFUSED(place, learn("--strength 1e-9"), kUser, "needs --cost");
  EXPECT_REFUSED(
      place, learn("--budget flops=0.5x --compare unifrom"), kUser, "Did you mean 'uniform'?");
  EXPECT_REFUSED(place, learn("--budget flops=0.5x --rounds 0"), kUser, "--rounds: expected 1");
  EXPECT_REFUSED(place, learn("--budget flops=0.5x --device cude"), kUser, "cude");
  EXPECT_REFUSED(
      place, "expand tiny.morph --budget flops=100 -o y.morph", kUser, "cannot be reached");
  EXPECT_FALSE(place.has("y.morph"));
}

TEST(CliErrors, ABudgetBeforeTheNetworkIsNotTakenForTwo) {
  const Workplace place("order");
  place.write("tiny.morph", kTinyNet);
  EXPECT_REFUSED(place,
                 cat("learn --budget flops=0.01x tiny.morph --data ", kData),
                 kUser,
                 "cannot be reached");
  EXPECT_REFUSED(place,
                 cat("learn --budget flops=0.01x --compare none tiny.morph --data ", kData),
                 kUser,
                 "cannot be reached");
}

TEST(CliErrors, Output) {
  const Workplace place("output");
  place.write("tiny.morph", kTinyNet);
  place.write("file", "");
  EXPECT_REFUSED(place, "expand zoo:mlp --budget flops=2x -o x.txt", kUser, "must end in .morph");
  EXPECT_REFUSED(place,
                 "expand zoo:mlp --budget flops=2x -o file/x.morph",
                 kUser,
                 "cannot make the folder 'file'");
  EXPECT_REFUSED(place,
                 cat("learn tiny.morph --budget flops=0.5x --out file --data ", kData),
                 kUser,
                 "'file'");
  EXPECT_REFUSED(place, cat("train tiny.morph --out /proc/x --data ", kData), kUser, "'/proc/x'");
}

TEST(CliErrors, Structure) {
  const Workplace place("structure");
  place.write("tiny.morph", kTinyNet);
  const auto refused = [&](const std::string& text, const char* message) {
    place.write("s.json", text);
    EXPECT_REFUSED(place, "shrink tiny.morph --structure s.json -o small.morph", kUser, message);
    EXPECT_FALSE(place.has("small.morph"));
  };
  const std::string head = R"({"format": "morphnet-structure", "version": 1, "layers": )";
  refused("{\"format\": ", "'s.json' is damaged");
  refused("[1]", "not a structure file");
  refused(R"({"format": 1})", "not a structure file");
  refused(head + R"({"a": {"mask": "1"}}})", "layer 'a' has 8 channels, its mask has 1");
  refused(head + R"({"b": {"mask": "1"}}})", "names 'b', which is not in the network");
  refused(head + R"({"fc": {"mask": "1110"}}})", "cannot be removed: network output");
  refused(head + R"({"a": {"mask": "00000000"}}})", "the network would be cut through");
  EXPECT_REFUSED(place, "shrink tiny.morph --structure none.json -o x.morph", kUser, "none.json");
}

TEST(CliErrors, Report) {
  const Workplace place("report");
  EXPECT_REFUSED(place, "report none", kUser, "'none' holds no run.json");
  place.write("run/run.json", "{\"networks\": 3}");
  EXPECT_REFUSED(place, "report run", kUser, "'run/run.json' is not the record of a run");
  place.write("run/run.json", "{\"format\": \"morphnet-run\"}");
  EXPECT_REFUSED(place, "report run", kUser, "'run/run.json': run report: title is missing");
}

}  // namespace
}  // namespace morph
