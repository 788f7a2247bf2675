#include "morph/base/strings.h"

#include "expect_error.h"

namespace morph {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Split, CutsAtEverySeparator) {
  EXPECT_THAT(split("a,b,c", ','), ElementsAre("a", "b", "c"));
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split(",", ','), ElementsAre("", ""));
  EXPECT_THAT(split("abc", ','), ElementsAre("abc"));
  EXPECT_THAT(split("", ','), IsEmpty());
}

TEST(Join, IsTheReverseOfSplit) {
  EXPECT_EQ(join(split("a,,b", ','), ","), "a,,b");
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}, " and "), "a and b");
  EXPECT_EQ(join(std::vector<std::string>{}, ","), "");
}

TEST(Trim, TakesBlanksFromBothEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim("ab"), "ab");
  EXPECT_EQ(trim(" \n "), "");
}

TEST(ParseInt, ReadsAllOfTheText) {
  EXPECT_EQ(parse_int("42", "--epochs"), 42);
  EXPECT_EQ(parse_int(" -7 ", "--epochs"), -7);
  EXPECT_EQ(parse_int("9223372036854775807", "--epochs"), INT64_MAX);
  EXPECT_ERROR(parse_int("4x", "--epochs"), "--epochs: expected an integer, got '4x'");
  EXPECT_ERROR(parse_int("4.5", "--epochs"), "expected an integer");
  EXPECT_ERROR(parse_int("", "--epochs"), "expected an integer, got ''");
  EXPECT_ERROR(parse_int("9223372036854775808", "--epochs"), "expected an integer");
}

TEST(ParseDouble, ReadsFiniteNumbers) {
  EXPECT_EQ(parse_double("1e-9", "--strength"), 1e-9);
  EXPECT_EQ(parse_double("-0.5", "--strength"), -0.5);
  EXPECT_ERROR(parse_double("strong", "--strength"), "--strength: expected a number, got 'strong'");
  EXPECT_ERROR(parse_double("inf", "--strength"), "expected a finite number");
  EXPECT_ERROR(parse_double("nan", "--strength"), "expected a finite number");
  EXPECT_ERROR(parse_double("1e999", "--strength"), "--strength");
}

TEST(ParseCount, UnderstandsSuffixes) {
  EXPECT_EQ(parse_count("350", "--budget"), 350);
  EXPECT_EQ(parse_count("200k", "--budget"), 200'000);
  EXPECT_EQ(parse_count("1.5M", "--budget"), 1'500'000);
  EXPECT_EQ(parse_count("2.0G", "--budget"), 2'000'000'000);
  EXPECT_EQ(parse_count("3T", "--budget"), 3'000'000'000'000);
  EXPECT_ERROR(parse_count("5q", "--budget"), "--budget: expected a count such as 200k");
  EXPECT_ERROR(parse_count("k", "--budget"), "--budget: expected a count");
  EXPECT_ERROR(parse_count("", "--budget"), "--budget: expected a count");
}

TEST(FormatCount, GivesFourDigitsAndASuffix) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(978), "978");
  EXPECT_EQ(format_count(1000), "1 k");
  EXPECT_EQ(format_count(81'626'368), "81.63 M");
  EXPECT_EQ(format_count(1.1374e9), "1.137 G");
  EXPECT_EQ(format_count(-2500), "-2.5 k");
}

TEST(ClosestMatch, FindsTheNearestWordOrNone) {
  const std::vector<std::string> known = {"resnet8", "resnet20", "mlp"};
  EXPECT_EQ(closest_match("resnet2", known), "resnet8");  // One edit from both: the first wins.
  EXPECT_EQ(closest_match("resent20", known), "resnet20");
  EXPECT_EQ(closest_match("mpl", known), "");
  EXPECT_EQ(closest_match("mlpp", known), "mlp");
  EXPECT_EQ(closest_match("transformer", known), "");
  const std::vector<std::string> devices = {"P100", "H100"};
  EXPECT_EQ(closest_match("h100", devices), "H100");
  EXPECT_EQ(did_you_mean("resnet21", known), " Did you mean 'resnet20'?");
  EXPECT_EQ(did_you_mean("transformer", known), "");
}

}  // namespace
}  // namespace morph
