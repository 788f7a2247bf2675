#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "nn/run_text.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace morph {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

/// A case of one op: attributes, what goes in and what comes out.
struct MathCase {
  std::string op;
  std::vector<double> input;
  std::vector<double> expected;
};

void PrintTo(const MathCase& math, std::ostream* out) { *out << math.op; }

class MathKernels : public ::testing::TestWithParam<MathCase> {};

TEST_P(MathKernels, ComputeTheirFunctions) {
  const auto& [op, input, expected] = GetParam();
  const auto width = static_cast<int64_t>(input.size());
  const auto space = op.find(' ');
  const std::string attributes = space == std::string::npos ? "" : op.substr(space);
  EXPECT_THAT(run("x = Input() shape=[1, " + std::to_string(width) +
                      "]\ny = " + op.substr(0, space) + "(x)" + attributes + "\nreturn y",
                  doubles({1, width}, input)),
              Pointwise(DoubleNear(1e-14), expected));
}

const double kE = std::exp(1.0);

INSTANTIATE_TEST_SUITE_P(
    Ops,
    MathKernels,
    ::testing::Values(
        MathCase{"Abs", {-2, 3}, {2, 3}},
        MathCase{"Ceil", {-1.5, 1.2}, {-1, 2}},
        MathCase{"Celu alpha=2.0", {-2, 3}, {2 / kE - 2, 3}},
        MathCase{"Cos", {0, 1}, {1, 0.5403023058681398}},
        MathCase{"Elu alpha=2.0", {-1, 3}, {2 / kE - 2, 3}},
        // Abramowitz and Stegun, table 7.1.
        MathCase{"Erf", {0, 1}, {0, 0.8427007929497149}},
        MathCase{"Exp", {0, 1}, {1, kE}},
        MathCase{"Floor", {-1.5, 1.2}, {-2, 1}},
        // x · Φ(x) with Φ(1) = 0.8413447460685429.
        MathCase{"Gelu", {0, 1, -1}, {0, 0.8413447460685429, -0.15865525393145707}},
        // x / 2 · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).
        MathCase{"Gelu approximate=\"tanh\"",
                 {1},
                 {0.5 * (1 + std::tanh(std::sqrt(2 / 3.141592653589793) * 1.044715))}},
        MathCase{"Log", {1, kE}, {0, 1}},
        MathCase{"LogSoftmax", {0, std::log(3.0)}, {-std::log(4.0), std::log(0.75)}},
        MathCase{"LpNormalization", {3, -4}, {0.6, -0.8}},
        MathCase{"LpNormalization p=1", {3, -1}, {0.75, -0.25}},
        MathCase{"LpNormalization", {0, 0}, {0, 0}},
        MathCase{"Mish", {0, 1}, {0, std::tanh(std::log(1 + kE))}},
        MathCase{"Neg", {-2, 3}, {2, -3}},
        MathCase{"Reciprocal", {-2, 4}, {-0.5, 0.25}},
        MathCase{"Selu",
                 {-1, 2},
                 {1.05070102214813232421875 * 1.67326319217681884765625 * (1 / kE - 1),
                  2.1014020442962646484375}},
        MathCase{"Selu alpha=2.0 gamma=3.0", {-1, 2}, {6 / kE - 6, 6}},
        MathCase{"Sin", {0, 1}, {0, 0.8414709848078965}},
        MathCase{"Softplus", {0, 1}, {std::log(2.0), std::log(1 + kE)}},
        MathCase{"Softsign", {-1, 3}, {-0.5, 0.75}},
        MathCase{"Sqrt", {0, 9}, {0, 3}},
        MathCase{"Swish", {0, 1}, {0, kE / (1 + kE)}},
        MathCase{"Swish alpha=2.0", {1}, {kE * kE / (1 + kE * kE)}}));

TEST(PRelu, ScalesWhatIsBelowZeroByItsSlope) {
  EXPECT_THAT(run("x = Input() shape=[1, 2, 2]\ny = PRelu(x; slope=[2, 1])\nreturn y",
                  doubles({1, 2, 2}, {-2, 2, -4, 4}),
                  {{"y.slope", doubles({2, 1}, {0.5, 0.25})}}),
              ElementsAre(-1, 2, -1, 4));
}

}  // namespace
}  // namespace morph
