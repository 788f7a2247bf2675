#include "expect_error.h"

#include "morph/base/random.h"
#include "morph/ir/text.h"
#include "morph/ir/verify.h"

namespace morph {
namespace {

constexpr const char* kText = R"(morph 1
network "résumé \u20ac"  # a comment
input = Input() shape=[1, 3, 8, 8] -> [1, 3, 8, 8]
conv1 = Conv(input; weight=[4, 3, 3, 3], bias=[4] @ "a \"b\" \\") pads=[1, 1, 1, 1] -> [1, 4, 8, 8]
"x y" = Clip(conv1) max=6.0 min=-1e-05 mode="edge\n" list=[1.5, inf, nan] none=[.]
add = Add("x y", conv1)
return add, conv1
)";

/// Whatever the text: a graph that prints and parses again, or an Error. Returns whether it parsed.
bool survives(const std::string& text) {
  try {
    const Graph graph = parse_graph(text);
    const std::string printed = print_graph(graph);
    EXPECT_EQ(print_graph(parse_graph(printed)), printed);
    static_cast<void>(print_dot(graph));
    verify(graph);
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST(DamagedText, WholeTextParses) { EXPECT_TRUE(survives(kText)); }

TEST(DamagedText, TruncatedAnywhereGivesAnError) {
  const std::string text = kText;
  const size_t last_needed = text.find("return add") + std::string("return add").size();
  for (size_t length = 0; length < text.size(); ++length) {
    const bool parsed = survives(text.substr(0, length));
    EXPECT_FALSE(parsed && length < last_needed) << "cut after " << length << " bytes";
  }
}

TEST(DamagedText, ChangedBytesGiveAnErrorOrAGraph) {
  Random random(20261122);
  const std::string text = kText;
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = text;
    for (int64_t changes = 1 + random.below(4); changes > 0; --changes) {
      const auto at = static_cast<size_t>(random.below(static_cast<int64_t>(damaged.size())));
      damaged[at] = static_cast<char>(random.below(256));
    }
    survives(damaged);
  }
}

TEST(DamagedText, SwappedPiecesGiveAnErrorOrAGraph) {
  Random random(7);
  const std::string text = kText;
  const auto size = static_cast<int64_t>(text.size());
  for (int round = 0; round < 20000; ++round) {
    const auto from = static_cast<size_t>(random.below(size));
    const auto to = static_cast<size_t>(random.below(size));
    const auto length = static_cast<size_t>(random.below(40));
    std::string damaged = text;
    damaged.replace(to, length / 2, text.substr(from, length));
    survives(damaged);
  }
}

TEST(DamagedText, LongInputIsRead) {
  std::string text = "morph 1\nnetwork \"long\"\nn0 = Input()\n";
  constexpr int kNodes = 50000;
  for (int i = 1; i < kNodes; ++i) {
    text += cat("n", i, " = Relu(n", i - 1, ")\n");
  }
  text += cat("return n", kNodes - 1, "\n");
  const Graph graph = parse_graph(text);
  EXPECT_EQ(graph.nodes().size(), static_cast<size_t>(kNodes));
  EXPECT_TRUE(print_graph(graph) == text);
}

TEST(DamagedText, DeepOrEndlessInputGivesAnError) {
  const std::string start = "morph 1\nnetwork g\nn = ";
  EXPECT_ERROR(parse_graph(start + std::string(1000000, '(')), "line 3, column 5");
  EXPECT_ERROR(parse_graph(start + "Op() a=" + std::string(1000000, '[')), "line 3, column 13");
  EXPECT_ERROR(parse_graph(start + "Op() -> [" + std::string(1000000, '1') + ']'), "out of range");
  EXPECT_ERROR(parse_graph(start + "Op(" + std::string(1000000, 'x') + ")"), "no node called");
  EXPECT_ERROR(parse_graph(start + '"' + std::string(1000000, 'x')), "does not end on its line");
}

}  // namespace
}  // namespace morph
