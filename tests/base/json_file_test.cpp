#include "morph/base/json_file.h"

#include "expect_error.h"
#include "temporary_folder.h"

namespace morph {
namespace {

using nlohmann::json;

TEST(ReadJson, NamesTheFileAtFault) {
  const TemporaryFolder folder;
  EXPECT_ERROR(read_json(folder / "none.json"), "none.json");
  overwrite(folder / "half.json", "{\"a\": ");
  EXPECT_ERROR(read_json(folder / "half.json"), "half.json' is damaged: ");
  overwrite(folder / "whole.json", "{\"a\": [1]}");
  EXPECT_EQ(read_json(folder / "whole.json"), json({{"a", {1}}}));
}

TEST(FirstDifference, OfNothing) {
  const json same = {{"a", {{"b", 1}}}, {"c", json::object()}};
  EXPECT_FALSE(first_difference(same, same));
  EXPECT_FALSE(first_difference(json::object(), json::object()));
}

TEST(FirstDifference, AtAnyDepth) {
  const auto found = first_difference({{"a", {{"b", 1}, {"c", 2}}}}, {{"a", {{"b", 1}, {"c", 3}}}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->place, "a/c");
  EXPECT_EQ(found->before, 2);
  EXPECT_EQ(found->now, 3);
}

TEST(FirstDifference, OfAKeyThatOneLacks) {
  const auto added = first_difference(json::object(), {{"new", true}});
  ASSERT_TRUE(added);
  EXPECT_EQ(added->place, "new");
  EXPECT_EQ(added->before, nullptr);
  EXPECT_EQ(added->now, true);
  const auto gone = first_difference({{"old", "x"}}, json::object());
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->before, "x");
  EXPECT_EQ(gone->now, nullptr);
}

TEST(FirstDifference, PassesOverWhatIsIgnored) {
  const json before = {{"train", {{"workers", 1}, {"rate", 0.1}}}};
  EXPECT_FALSE(first_difference(before, {{"train", {{"workers", 8}, {"rate", 0.1}}}}, {"workers"}));
  EXPECT_EQ(
      first_difference(before, {{"train", {{"workers", 8}, {"rate", 0.2}}}}, {"workers"})->place,
      "train/rate");
}

}  // namespace
}  // namespace morph
