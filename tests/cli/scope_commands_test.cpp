#include <map>
#include <string>

#include "command.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace morph {
namespace {

using nlohmann::json;
using test::Workplace;

/// A residual block whose inner layer has no normalisation.
constexpr const char* kBlock = R"(morph 1
network "block"
x = Input() shape=[1, 3, 8, 8]
stem = Conv(x; weight=[8, 3, 1, 1])
bn = BatchNormalization(stem; weight=[8], bias=[8], running_mean=[8], running_var=[8])
a = Conv(bn; weight=[6, 8, 1, 1])
b = Conv(a; weight=[8, 6, 1, 1])
sum = Add(bn, b)
head = Conv(sum; weight=[2, 8, 1, 1])
return head
)";

/// The entries of "layers" by name.
std::map<std::string, json> layers_of(const json& found) {
  std::map<std::string, json> layers;
  for (const json& layer : found.at("layers")) layers[layer.at("name")] = layer;
  return layers;
}

TEST(CliInspect, SaysOfEveryLayerWhetherItCanBePruned) {
  const Workplace place("inspect_json");
  place.write("net.morph", kBlock);
  const json plain = json::parse(place.morphnet("inspect net.morph --json").out);
  const auto layers = layers_of(plain);
  ASSERT_EQ(layers.size(), 5U);
  EXPECT_EQ(layers.at("a").at("state"), "prunable");
  EXPECT_EQ(layers.at("head").at("state"), "pinned");
  EXPECT_EQ(layers.at("head").at("holds"),
            json::parse(R"([{"reason": "network output", "channels": 2, "path": ["head"]}])"));
  EXPECT_EQ(layers.at("stem").at("group"), layers.at("b").at("group"));

  const auto gated = layers_of(json::parse(
      place.morphnet("inspect net.morph --gate gamma --threshold 0.1 --keep b --json").out));
  EXPECT_EQ(gated.at("a").at("state"), "unreachable");
  EXPECT_EQ(gated.at("a").at("holds")[0].at("reason"), "no gate");
  EXPECT_EQ(gated.at("stem").at("state"), "pinned");
  EXPECT_EQ(gated.at("stem").at("holds")[0].at("path"),
            json::parse(R"(["stem", "bn", "sum", "b"])"));
}

TEST(CliInspect, ScopeIsReadFromFlags) {
  const Workplace place("inspect_scope");
  place.write("net.morph", kBlock);
  const auto inspect = [&](const std::string& flags) {
    return layers_of(json::parse(place.morphnet("inspect net.morph --json " + flags).out));
  };
  EXPECT_EQ(inspect("--min-width a=2").at("a").at("least"), 2);
  EXPECT_EQ(inspect("--max-reduction 0.5").at("a").at("least"), 3);
  EXPECT_EQ(inspect("--keep-first").at("a").at("prunable"), 5);
  EXPECT_EQ(inspect("--from bn").at("stem").at("state"), "pinned");
  EXPECT_EQ(inspect("--until bn").at("a").at("holds")[0].at("reason"), "outside the boundary");
  EXPECT_EQ(inspect("--tie 'stem|b'").at("b").at("prunable"), 8);
  EXPECT_REFUSED(place, "inspect net.morph --keep oops", 1, "--keep: 'oops' matches no layer");
  EXPECT_REFUSED(place, "inspect net.morph --min-width a=x", 1, "--min-width");
  EXPECT_REFUSED(place, "inspect net.morph --tie 'stem|a'", 1, "layers of different sizes");
}

TEST(CliShrink, ReadsAliveCounts) {
  const Workplace place("shrink_counts");
  place.write("net.morph", kBlock);
  place.write("alive_100", R"({"block/a/Conv2D": 3, "block/stem/Conv2D": 5})");
  EXPECT_EQ(place.morphnet("shrink net.morph --structure alive_100 -o out.morph").code, 0);
  EXPECT_NE(place.read("out.morph").find("a = Conv(bn; weight=[3, 5, 1, 1])"), std::string::npos);
  place.write("wide", R"({"a": 12})");
  EXPECT_EQ(place.morphnet("shrink net.morph --structure wide -o wide.morph").code, 0);
  EXPECT_NE(place.read("wide.morph").find("weight=[12, 8, 1, 1]"), std::string::npos);
  place.write("zero", R"({"a": 0, "stem": 0})");
  EXPECT_EQ(place.morphnet("shrink net.morph --structure zero --at-least-one -o one.morph").code,
            0);
  EXPECT_REFUSED(place,
                 "shrink net.morph --structure alive_100 --missing error -o x.morph",
                 1,
                 "the structure does not name the layer 'b'");
}

TEST(CliShrink, GoldenC6UnknownRulesAreRefused) {
  const Workplace place("shrink_rules");
  place.write("net.morph", kBlock);
  place.write("alive", R"({"a": 3})");
  EXPECT_REFUSED(place,
                 "shrink net.morph --structure alive --missing 'bad bad rule' -o x.morph",
                 1,
                 "--missing: expected keep, error or zero, got 'bad bad rule'");
}

TEST(CliLearn, RefusesANetworkWithNothingToPrune) {
  const Workplace place("learn_nothing");
  EXPECT_REFUSED(
      place,
      std::string("learn zoo:resnet8 --budget flops=0.5x --keep '.*' --data ") + test::kData,
      1,
      "has nothing to prune");
}

}  // namespace
}  // namespace morph
