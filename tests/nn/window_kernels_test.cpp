// Convolution and pooling against loops written down from ONNX's definitions.

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "nn/run_text.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"

namespace morph {
namespace {

using ::testing::DoubleNear;
using ::testing::Pointwise;

/// Calls `visit` with every index of a tensor of this shape, in row-major order.
void for_each_index(const Shape& shape, const std::function<void(const Shape&)>& visit) {
  Shape at(shape.size(), 0);
  for (int64_t left = element_count(shape); left > 0; --left) {
    visit(at);
    for (size_t axis = shape.size(); axis-- > 0;) {
      if (++at[axis] < shape[axis]) break;
      at[axis] = 0;
    }
  }
}

int64_t flat(const Shape& shape, const Shape& at) {
  int64_t position = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) position = position * shape[axis] + at[axis];
  return position;
}

/// A window by its numbers alone; pads are those a node states or what auto_pad should come to.
struct Sliding {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> begin;
  std::vector<int64_t> end;
};

/// Where window position `tap` of output place `place` lies in the input.
Shape source(const Sliding& s, const Shape& place, const Shape& tap) {
  Shape at;
  for (size_t i = 0; i < tap.size(); ++i) {
    at.push_back(place[i] * s.strides[i] - s.begin[i] + tap[i] * s.dilations[i]);
  }
  return at;
}

/// Whether a position lies in the input grown by `begin` and `end`.
bool inside(const Shape& at, const Shape& size, const Shape& begin, const Shape& end) {
  for (size_t i = 0; i < at.size(); ++i) {
    if (at[i] < -begin[i] || at[i] >= size[i] + end[i]) return false;
  }
  return true;
}

Shape tail(const Shape& shape) { return Shape(shape.begin() + 2, shape.end()); }

Shape joined(int64_t n, int64_t c, const Shape& rest) {
  Shape result = {n, c};
  result.insert(result.end(), rest.begin(), rest.end());
  return result;
}

struct Values {
  Shape shape;
  std::vector<double> data;

  double at(int64_t n, int64_t c, const Shape& place) const {
    return data[static_cast<size_t>(flat(shape, joined(n, c, place)))];
  }
};

Values values_of(const at::Tensor& tensor) { return {shape_of(tensor), values(tensor)}; }

std::vector<double> naive_conv(const Values& x,
                               const Values& weight,
                               const std::vector<double>& bias,
                               const Sliding& s,
                               const Shape& out) {
  const Shape none(s.kernel.size(), 0);
  const int64_t inputs = weight.shape[1];
  const int64_t groups = x.shape[1] / inputs;
  std::vector<double> result;
  for_each_index(out, [&](const Shape& index) {
    const int64_t o = index[1];
    const int64_t first = o / (out[1] / groups) * inputs;
    double sum = bias[static_cast<size_t>(o)];
    for_each_index(s.kernel, [&](const Shape& tap) {
      const Shape at = source(s, tail(index), tap);
      if (!inside(at, tail(x.shape), none, none)) return;
      for (int64_t i = 0; i < inputs; ++i) {
        sum += weight.at(o, i, tap) * x.at(index[0], first + i, at);
      }
    });
    result.push_back(sum);
  });
  return result;
}

std::vector<double> naive_max(const Values& x, const Sliding& s, const Shape& out) {
  const Shape none(s.kernel.size(), 0);
  std::vector<double> result;
  for_each_index(out, [&](const Shape& index) {
    double largest = -std::numeric_limits<double>::infinity();
    for_each_index(s.kernel, [&](const Shape& tap) {
      const Shape at = source(s, tail(index), tap);
      if (inside(at, tail(x.shape), none, none)) {
        largest = std::max(largest, x.at(index[0], index[1], at));
      }
    });
    result.push_back(largest);
  });
  return result;
}

std::vector<double> naive_mean(const Values& x, const Sliding& s, const Shape& out, bool padded) {
  const Shape none(s.kernel.size(), 0);
  std::vector<double> result;
  for_each_index(out, [&](const Shape& index) {
    double sum = 0;
    double count = 0;
    for_each_index(s.kernel, [&](const Shape& tap) {
      const Shape at = source(s, tail(index), tap);
      const bool real = inside(at, tail(x.shape), none, none);
      if (real) sum += x.at(index[0], index[1], at);
      if (real || (padded && inside(at, tail(x.shape), s.begin, s.end))) count += 1;
    });
    result.push_back(sum / count);
  });
  return result;
}

struct ConvCase {
  std::string name;
  Shape input;   // Of one example.
  Shape weight;  // [O, I / group, kernel...]
  std::string attributes;
  Sliding window;
  Shape output;  // Of one example, worked out by hand.
};

const std::vector<ConvCase>& conv_cases() {
  static const std::vector<ConvCase> kCases = {
      {"Plain",
       {1, 3, 5, 4},
       {2, 3, 3, 3},
       "",
       {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
       {1, 2, 3, 2}},
      {"PaddedAndStrided",
       {1, 2, 7, 6},
       {4, 2, 3, 3},
       "pads=[1, 1, 1, 1] strides=[2, 2]",
       {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}},
       {1, 4, 4, 3}},
      {"Asymmetric",
       {1, 2, 5, 5},
       {3, 2, 3, 2},
       "pads=[0, 2, 1, 0]",
       {{3, 2}, {1, 1}, {1, 1}, {0, 2}, {1, 0}},
       {1, 3, 4, 6}},
      {"EndPadUnused",
       {1, 1, 4, 4},
       {1, 1, 2, 2},
       "pads=[0, 0, 1, 1] strides=[2, 2]",
       {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {1, 1}},
       {1, 1, 2, 2}},
      {"SameUpper",
       {1, 2, 6, 6},
       {2, 2, 3, 3},
       "strides=[2, 2] auto_pad=\"SAME_UPPER\"",
       {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}},
       {1, 2, 3, 3}},
      {"SameLower",
       {1, 2, 6, 6},
       {2, 2, 3, 3},
       "strides=[2, 2] auto_pad=\"SAME_LOWER\"",
       {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}},
       {1, 2, 3, 3}},
      {"Valid",
       {1, 1, 4, 4},
       {1, 1, 3, 3},
       "auto_pad=\"VALID\"",
       {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
       {1, 1, 2, 2}},
      {"Dilated",
       {1, 2, 7, 7},
       {2, 2, 3, 3},
       "pads=[2, 2, 2, 2] dilations=[2, 2]",
       {{3, 3}, {1, 1}, {2, 2}, {2, 2}, {2, 2}},
       {1, 2, 7, 7}},
      {"Grouped",
       {1, 4, 4, 4},
       {6, 2, 3, 3},
       "group=2 pads=[1, 1, 1, 1]",
       {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
       {1, 6, 4, 4}},
      {"DepthwiseTimesTwo",
       {1, 3, 4, 4},
       {6, 1, 3, 3},
       "group=3",
       {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
       {1, 6, 2, 2}},
      {"WidePadOfAPoint",
       {1, 2, 2, 2},
       {2, 2, 1, 1},
       "pads=[1, 1, 1, 1]",
       {{1, 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
       {1, 2, 4, 4}},
      {"OneAxis",
       {1, 2, 9},
       {3, 2, 4},
       "pads=[1, 2] strides=[3]",
       {{4}, {3}, {1}, {1}, {2}},
       {1, 3, 3}},
      {"ThreeAxes",
       {1, 2, 3, 4, 3},
       {2, 2, 2, 3, 2},
       "pads=[0, 1, 1, 0, 1, 0]",
       {{2, 3, 2}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 0}},
       {1, 2, 2, 4, 3}},
  };
  return kCases;
}

class Conv : public ::testing::TestWithParam<ConvCase> {};

TEST_P(Conv, IsTheSumOverItsWindow) {
  const ConvCase& c = GetParam();
  const Graph graph = graph_of(cat("x = Input() shape=",
                                   format_shape(c.input),
                                   "\nconv = Conv(x; weight=",
                                   format_shape(c.weight),
                                   ", bias=[",
                                   c.weight[0],
                                   "]) ",
                                   c.attributes,
                                   "\nreturn conv"));
  Random random(1);
  const Params params = random_double_params(graph, random);
  const at::Tensor x = random_doubles(batch_of(2, c.input), random, -1, 1);
  const at::Tensor y = GraphModule(graph, params).forward(x);
  const Shape output = batch_of(2, c.output);
  ASSERT_EQ(shape_of(y), output);
  // Sums of up to 54 products of numbers below 1.5, in another order.
  EXPECT_THAT(values(y),
              Pointwise(DoubleNear(1e-12),
                        naive_conv(values_of(x),
                                   values_of(params.at("conv.weight")),
                                   values(params.at("conv.bias")),
                                   c.window,
                                   output)));
}

INSTANTIATE_TEST_SUITE_P(Cases, Conv, ::testing::ValuesIn(conv_cases()), [](const auto& item) {
  return item.param.name;
});

struct PoolCase {
  std::string name;
  Shape input;
  std::string attributes;
  Sliding window;
  Shape output;
};

const std::vector<PoolCase>& pool_cases() {
  static const std::vector<PoolCase> kCases = {
      {"Plain",
       {1, 2, 4, 6},
       "kernel_shape=[2, 2] strides=[2, 2]",
       {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}},
       {1, 2, 2, 3}},
      {"StrideOneByDefault",
       {1, 1, 3, 3},
       "kernel_shape=[2, 2]",
       {{2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
       {1, 1, 2, 2}},
      {"Padded",
       {1, 2, 5, 5},
       "kernel_shape=[3, 3] strides=[2, 2] pads=[1, 1, 1, 1]",
       {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}},
       {1, 2, 3, 3}},
      {"Asymmetric",
       {1, 2, 4, 4},
       "kernel_shape=[3, 3] strides=[2, 2] pads=[0, 0, 1, 1]",
       {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}},
       {1, 2, 2, 2}},
      {"AsymmetricInFront",
       {1, 1, 4, 5},
       "kernel_shape=[2, 3] pads=[1, 2, 0, 1]",
       {{2, 3}, {1, 1}, {1, 1}, {1, 2}, {0, 1}},
       {1, 1, 4, 6}},
      {"MoreThanHalfAWindow",
       {1, 1, 4, 4},
       "kernel_shape=[3, 3] pads=[2, 2, 2, 2]",
       {{3, 3}, {1, 1}, {1, 1}, {2, 2}, {2, 2}},
       {1, 1, 6, 6}},
      {"CeilHangsOver",
       {1, 2, 6, 6},
       "kernel_shape=[3, 3] strides=[2, 2] ceil_mode=1",
       {{3, 3}, {2, 2}, {1, 1}, {0, 0}, {0, 0}},
       {1, 2, 3, 3}},
      {"CeilWithPads",
       {1, 1, 6, 6},
       "kernel_shape=[3, 3] strides=[2, 2] pads=[1, 1, 1, 1] ceil_mode=1",
       {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}},
       {1, 1, 4, 4}},
      {"CeilNeverStartsBehind",
       {1, 1, 3, 3},
       "kernel_shape=[1, 1] strides=[3, 3] ceil_mode=1",
       {{1, 1}, {3, 3}, {1, 1}, {0, 0}, {0, 0}},
       {1, 1, 1, 1}},
      {"SameUpper",
       {1, 1, 5, 6},
       "kernel_shape=[2, 3] strides=[2, 2] auto_pad=\"SAME_UPPER\"",
       {{2, 3}, {2, 2}, {1, 1}, {0, 0}, {1, 1}},
       {1, 1, 3, 3}},
      {"SameLower",
       {1, 1, 5, 6},
       "kernel_shape=[2, 3] strides=[2, 2] auto_pad=\"SAME_LOWER\"",
       {{2, 3}, {2, 2}, {1, 1}, {1, 1}, {0, 0}},
       {1, 1, 3, 3}},
      {"OneAxis",
       {1, 2, 7},
       "kernel_shape=[3] strides=[2] pads=[1, 0]",
       {{3}, {2}, {1}, {1}, {0}},
       {1, 2, 3}},
      {"ThreeAxes",
       {1, 1, 4, 3, 4},
       "kernel_shape=[2, 2, 2] strides=[2, 1, 2] pads=[0, 1, 0, 0, 0, 0]",
       {{2, 2, 2}, {2, 1, 2}, {1, 1, 1}, {0, 1, 0}, {0, 0, 0}},
       {1, 1, 2, 3, 2}},
      {"Dilated",
       {1, 2, 6, 6},
       "kernel_shape=[3, 3] dilations=[2, 2] pads=[1, 1, 1, 1]",
       {{3, 3}, {1, 1}, {2, 2}, {1, 1}, {1, 1}},
       {1, 2, 4, 4}},
      {"DilatedUneven",
       {1, 2, 6, 6},
       "kernel_shape=[3, 3] dilations=[2, 2] pads=[2, 1, 0, 1]",
       {{3, 3}, {1, 1}, {2, 2}, {2, 1}, {0, 1}},
       {1, 2, 4, 4}},
      {"DilatedHangsOver",
       {1, 2, 7},
       "kernel_shape=[2] strides=[2] dilations=[3] ceil_mode=1",
       {{2}, {2}, {3}, {0}, {0}},
       {1, 2, 3}},
      {"OneAxisInside",
       {1, 1, 6},
       "kernel_shape=[2] strides=[2]",
       {{2}, {2}, {1}, {0}, {0}},
       {1, 1, 3}},
      {"ThreeAxesInside",
       {1, 1, 2, 2, 4},
       "kernel_shape=[2, 2, 2] strides=[1, 1, 2]",
       {{2, 2, 2}, {1, 1, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
       {1, 1, 1, 1, 2}},
  };
  return kCases;
}

class Pool : public ::testing::TestWithParam<PoolCase> {
 protected:
  /// The op with the case's attributes and `extra`, applied to a batch of two.
  at::Tensor pooled(const std::string& op, const std::string& extra = "") {
    const PoolCase& c = GetParam();
    const Graph graph = graph_of(cat("x = Input() shape=",
                                     format_shape(c.input),
                                     "\ny = ",
                                     op,
                                     "(x) ",
                                     c.attributes,
                                     extra,
                                     "\nreturn y"));
    const at::Tensor y = GraphModule(graph, {}).forward(input_);
    EXPECT_EQ(shape_of(y), batch_of(2, c.output));
    return y;
  }

  Random random_{2};
  // Below zero, so that padding with zeros would show in a maximum.
  at::Tensor input_ = random_doubles(batch_of(2, GetParam().input), random_, -3, -1);
  Shape output_ = batch_of(2, GetParam().output);
};

TEST_P(Pool, TakesTheLargest) {
  EXPECT_THAT(
      values(pooled("MaxPool")),
      ::testing::ElementsAreArray(naive_max(values_of(input_), GetParam().window, output_)));
}

TEST_P(Pool, TakesTheMeanOfWhatLiesInside) {
  EXPECT_THAT(values(pooled("AveragePool")),
              Pointwise(DoubleNear(1e-14),
                        naive_mean(values_of(input_),
                                   GetParam().window,
                                   output_,
                                   /*padded=*/false)));
}

TEST_P(Pool, TakesTheMeanWithItsPadding) {
  EXPECT_THAT(values(pooled("AveragePool", " count_include_pad=1")),
              Pointwise(DoubleNear(1e-14),
                        naive_mean(values_of(input_),
                                   GetParam().window,
                                   output_,
                                   /*padded=*/true)));
}

INSTANTIATE_TEST_SUITE_P(Cases, Pool, ::testing::ValuesIn(pool_cases()), [](const auto& item) {
  return item.param.name;
});

}  // namespace
}  // namespace morph
