#include "morph/report/numbers.h"

#include <limits>

#include <gtest/gtest.h>

namespace morph {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Numbers, Fixed) {
  EXPECT_EQ(fixed(87.925, 1), "87.9");
  EXPECT_EQ(fixed(-0.3, 2), "−0.30");
  EXPECT_EQ(fixed(-0.001, 2), "0.00") << "a zero has no sign";
  EXPECT_EQ(fixed(kNan, 2), "–");
  EXPECT_EQ(fixed(1e300, 0).size(), 301U);
}

TEST(Numbers, WithSign) {
  EXPECT_EQ(with_sign(0.64, 2), "+0.64");
  EXPECT_EQ(with_sign(-1.51, 2), "−1.51");
  EXPECT_EQ(with_sign(0.004, 2), "±0.00");
  EXPECT_EQ(with_sign(kInfinity, 2), "–");
}

TEST(Numbers, TimesAndSizesGrowIntoLargerUnits) {
  EXPECT_EQ(with_unit(63.97, "ns"), "63.97 ns");
  EXPECT_EQ(with_unit(106'800, "ns"), "106.8 µs");
  EXPECT_EQ(with_unit(4.75e6, "ns"), "4.75 ms");
  EXPECT_EQ(with_unit(2e12, "ns"), "2 k s");
  EXPECT_EQ(with_unit(512, "bytes"), "512 bytes");
  EXPECT_EQ(with_unit(93'552'500, "bytes"), "93.55 MB");
  EXPECT_EQ(with_unit(81'626'368, "FLOPs"), "81.63 M FLOPs");
  EXPECT_EQ(with_unit(kNan, "ns"), "– ns");
}

TEST(Numbers, Shares) {
  EXPECT_EQ(as_multiple(0.47716), "0.477×");
  EXPECT_EQ(as_multiple(12.34), "12.3×");
  EXPECT_EQ(as_multiple(kInfinity), "–");
  EXPECT_EQ(as_percent(0.4772), "47.7 %");
  EXPECT_EQ(as_percent(kNan), "–");
}

TEST(Numbers, Counts) {
  EXPECT_EQ(exact_count(81579520), "81,579,520");
  EXPECT_EQ(exact_count(999), "999");
  EXPECT_EQ(exact_count(1000), "1,000");
  EXPECT_EQ(exact_count(-123456), "−123,456");
  EXPECT_EQ(exact_count(0.25), "0.25");
  EXPECT_EQ(exact_count(kNan), "–");
  EXPECT_EQ(short_count(81579520), "81.58 M");
  EXPECT_EQ(short_count(kNan), "–");
  EXPECT_EQ(scientific(3.14e-7), "3.1e-07");
}

TEST(Numbers, Durations) {
  EXPECT_EQ(duration(0.4), "0 s");
  EXPECT_EQ(duration(59.6), "1 min 0 s");
  EXPECT_EQ(duration(754), "12 min 34 s");
  EXPECT_EQ(duration(12000), "3 h 20 min");
  EXPECT_EQ(duration(kNan), "–");
}

TEST(Numbers, Coordinates) {
  EXPECT_EQ(coordinate(12.5), "12.5");
  EXPECT_EQ(coordinate(100), "100");
  EXPECT_EQ(coordinate(-3.14159), "-3.14") << "markup knows no true minus sign";
  EXPECT_EQ(coordinate(-0.001), "0");
  EXPECT_EQ(coordinate(kNan), "0");
  EXPECT_EQ(percent_coordinate(0.25), "25%");
  EXPECT_EQ(percent_coordinate(1.0 / 3), "33.33%");
}

}  // namespace
}  // namespace morph
