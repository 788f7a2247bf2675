#include "cli/command.h"
#include "expect_error.h"
#include <nlohmann/json.hpp>

#include "morph/zoo/zoo.h"

namespace morph {
namespace {

using nlohmann::json;
using test::Workplace;

constexpr int kUser = 1;

TEST(CliZoo, ListsEveryNetwork) {
  const Workplace place("zoo_list");
  const std::string table = place.morphnet("zoo").out;
  const json list = json::parse(place.morphnet("zoo --json").out);
  ASSERT_EQ(list.size(), zoo::networks().size());
  for (size_t i = 0; i < list.size(); ++i) {
    EXPECT_EQ(list[i]["name"], zoo::networks()[i].name);
    EXPECT_NE(table.find("\n" + zoo::networks()[i].name + " "), std::string::npos);
  }
}

TEST(CliZoo, DescribesOneAsAskedFor) {
  const Workplace place("zoo_one");
  const json plain = json::parse(place.morphnet("zoo resnet50 --json").out);
  EXPECT_EQ(plain["params"], 25'557'032);
  EXPECT_EQ(plain["flops"], 8'178'368'512);
  EXPECT_EQ(plain["input"], (std::vector<int>{3, 224, 224}));
  const json slim = json::parse(place.morphnet("zoo 'zoo:resnet50?stride=last' --json").out);
  EXPECT_EQ(slim["flops"], 6'964'510'720);
  const std::string text = place.morphnet("zoo resnet50").out;
  EXPECT_NE(text.find("stride"), std::string::npos);
  EXPECT_NE(text.find("25,557,032"), std::string::npos);
  EXPECT_REFUSED(place, "zoo densenet122", kUser, "Did you mean 'densenet121'?");
}

TEST(CliWeights, AreLoadedByName) {
  const Workplace place("weights");
  const std::string data = cat(" --data ", test::kData);
  EXPECT_EQ(place.morphnet("train zoo:resnet8 --epochs 1 --out run" + data).code, 0);
  const test::Outcome own = place.morphnet("eval run/resnet8.morph" + data);
  const test::Outcome named =
      place.morphnet("eval zoo:resnet8 --weights run/resnet8.safetensors" + data);
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_EQ(named.out, own.out);
  EXPECT_REFUSED(place,
                 "eval 'zoo:resnet8?width=2' --weights run/resnet8.safetensors" + data,
                 kUser,
                 "conv1.weight is [16, 3, 3, 3], not [32, 3, 3, 3]");
  EXPECT_REFUSED(place,
                 "train zoo:resnet14 --weights run/resnet8.safetensors" + data,
                 kUser,
                 "missing: layer1.1.bn1.bias");
  EXPECT_REFUSED(
      place, "eval zoo:resnet8 --weights none.safetensors" + data, kUser, "no such file");
}

}  // namespace
}  // namespace morph
