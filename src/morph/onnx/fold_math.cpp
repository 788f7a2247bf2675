#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "morph/base/error.h"
#include "morph/onnx/fold.h"

namespace morph::onnx {
namespace {

struct UnaryRow {
  std::string_view op;
  double (*of)(double);
};

double sign(double x) { return x > 0 ? 1 : (x < 0 ? -1 : 0); }

constexpr std::array kUnaries = {
    UnaryRow{"Abs", [](double x) { return std::abs(x); }},
    UnaryRow{"Ceil", [](double x) { return std::ceil(x); }},
    UnaryRow{"Cos", [](double x) { return std::cos(x); }},
    UnaryRow{"Erf", [](double x) { return std::erf(x); }},
    UnaryRow{"Exp", [](double x) { return std::exp(x); }},
    UnaryRow{"Floor", [](double x) { return std::floor(x); }},
    UnaryRow{"Log", [](double x) { return std::log(x); }},
    UnaryRow{"Neg", [](double x) { return -x; }},
    UnaryRow{"Not", [](double x) { return x == 0 ? 1.0 : 0.0; }},
    UnaryRow{"Reciprocal", [](double x) { return 1 / x; }},
    UnaryRow{"Relu", [](double x) { return std::max(x, 0.0); }},
    UnaryRow{"Round", [](double x) { return std::nearbyint(x); }},
    UnaryRow{"Sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }},
    UnaryRow{"Sign", sign},
    UnaryRow{"Sin", [](double x) { return std::sin(x); }},
    UnaryRow{"Sqrt", [](double x) { return std::sqrt(x); }},
    UnaryRow{"Tanh", [](double x) { return std::tanh(x); }},
};

/// Whole numbers stay exact up to 2⁵³, far beyond any size or index.
struct BinaryRow {
  std::string_view op;
  double (*of)(double, double);
  bool is_truth = false;  ///< The result is a truth value.
};

constexpr std::array kBinaries = {
    BinaryRow{"Add", [](double a, double b) { return a + b; }},
    BinaryRow{"And", [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; }, true},
    BinaryRow{"Div", [](double a, double b) { return a / b; }},
    BinaryRow{"Equal", [](double a, double b) { return a == b ? 1.0 : 0.0; }, true},
    BinaryRow{"Greater", [](double a, double b) { return a > b ? 1.0 : 0.0; }, true},
    BinaryRow{"GreaterOrEqual", [](double a, double b) { return a >= b ? 1.0 : 0.0; }, true},
    BinaryRow{"Less", [](double a, double b) { return a < b ? 1.0 : 0.0; }, true},
    BinaryRow{"LessOrEqual", [](double a, double b) { return a <= b ? 1.0 : 0.0; }, true},
    BinaryRow{"Max", [](double a, double b) { return std::max(a, b); }},
    BinaryRow{"Min", [](double a, double b) { return std::min(a, b); }},
    BinaryRow{"Mod", [](double a, double b) { return a - b * std::floor(a / b); }},
    BinaryRow{"Mul", [](double a, double b) { return a * b; }},
    BinaryRow{"Or", [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; }, true},
    BinaryRow{"Pow", [](double a, double b) { return std::pow(a, b); }},
    BinaryRow{"Sub", [](double a, double b) { return a - b; }},
    BinaryRow{"Sum", [](double a, double b) { return a + b; }},
    BinaryRow{"fmod", [](double a, double b) { return std::fmod(a, b); }},
    BinaryRow{"Xor", [](double a, double b) { return (a != 0) != (b != 0) ? 1.0 : 0.0; }, true},
};

std::string bytes_of(const std::vector<double>& values, DataType type) {
  return to_bytes(std::span<const double>(values), type);
}

/// The reductions as a sum of f(x), a product or an extreme, and what is made of it in the end.
struct Reduction {
  std::string_view op;
  double start;
  double (*add)(double, double);
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr std::array kReductions = {
    Reduction{"ReduceMax", -kInfinity, [](double a, double x) { return std::max(a, x); }},
    Reduction{"ReduceMean", 0, [](double a, double x) { return a + x; }},
    Reduction{"ReduceMin", kInfinity, [](double a, double x) { return std::min(a, x); }},
    Reduction{"ReduceProd", 1, [](double a, double x) { return a * x; }},
    Reduction{"ReduceSum", 0, [](double a, double x) { return a + x; }},
    Reduction{"ReduceSumSquare", 0, [](double a, double x) { return a + x * x; }},
};

/// Which axes a Reduce op reduces over.
std::vector<bool> reduced_axes(const OpCall& call, size_t rank) {
  const auto axes = call.ints_at("axes", 1);
  const bool takes_none = call.integer("noop_with_empty_axes", 0) != 0;
  if (!axes || axes->empty()) return std::vector<bool>(rank, !takes_none);
  std::vector<bool> reduced(rank, false);
  for (const int64_t axis : *axes) reduced[front_axis(call, axis, rank)] = true;
  return reduced;
}

}  // namespace

Array Folder::scaled(const OpCall& call, const Array& x, double factor) {
  reserve(call, x.type, x.shape);
  std::vector<double> values = numbers(call, x);
  for (double& value : values) value *= factor;
  return keep(call, x.type, x.shape, bytes_of(values, x.type));
}

Array Folder::unary(const OpCall& call) {
  const auto row = std::ranges::find(kUnaries, call.op(), &UnaryRow::op);
  if (row == kUnaries.end()) call.fail("has too few inputs");
  const Array& x = call.constant(0);
  reserve(call, x.type, x.shape);
  std::vector<double> values = numbers(call, x);
  for (double& value : values) value = row->of(value);
  return keep(call, x.type, x.shape, bytes_of(values, x.type));
}

Array Folder::binary(const OpCall& call) {
  // Mod has the sign of the divisor, or with fmod that of the dividend.
  const bool is_fmod = call.op() == "Mod" && call.integer("fmod", 0) != 0;
  const std::string_view op = is_fmod ? "fmod" : std::string_view(call.op());
  const auto row = std::ranges::find(kBinaries, op, &BinaryRow::op);
  if (row == kBinaries.end()) call.fail("has too many inputs");
  if (call.input_count() == 1) return call.constant(0);
  Array result = call.constant(0);
  for (size_t i = 1; i < std::max<size_t>(call.input_count(), 2); ++i) {
    const Array& other = call.constant(i);
    const Shape shape = broadcast(call, result.shape, other.shape);
    const bool is_division = call.op() == "Div" && !is_floating(result.type);
    const bool is_integer = !is_floating(result.type);
    const std::vector<double> a = numbers(call, expanded(call, result, shape));
    std::vector<double> b = numbers(call, expanded(call, other, shape));
    for (size_t k = 0; k < b.size(); ++k) {
      if (is_integer && (is_division || call.op() == "Mod") && b[k] == 0) {
        call.fail("divides by zero");
      }
      b[k] = row->of(a[k], b[k]);
      if (is_division) b[k] = std::trunc(b[k]);
    }
    const DataType type = row->is_truth ? DataType::kBool : result.type;
    result = keep(call, type, shape, bytes_of(b, type));
  }
  return result;
}

Array Folder::where(const OpCall& call) {
  const Array& condition = call.constant(0);
  const Array& yes = call.constant(1);
  const Array& no = call.constant(2);
  const Shape shape = broadcast(call, broadcast(call, condition.shape, yes.shape), no.shape);
  const std::vector<double> truth = numbers(call, expanded(call, condition, shape));
  const std::vector<double> a = numbers(call, expanded(call, yes, shape));
  std::vector<double> values = numbers(call, expanded(call, no, shape));
  for (size_t i = 0; i < values.size(); ++i) {
    if (truth[i] != 0) values[i] = a[i];
  }
  return keep(call, yes.type, shape, bytes_of(values, yes.type));
}

Array Folder::range(const OpCall& call) {
  const auto number = [&](size_t i) {
    if (count_elements(call.constant(i).shape) != 1) call.fail("wants three single numbers");
    return to_doubles(call.constant(i)).at(0);
  };
  const double start = number(0);
  const double step = number(2);
  const double count = std::ceil((number(1) - start) / step);
  constexpr double kMost = 0x1p26;
  if (!(step != 0) || !(count < kMost)) call.fail("makes a range without end");
  const DataType type = call.constant(0).type;
  const Shape shape = {count > 0 ? static_cast<int64_t>(count) : 0};
  reserve(call, type, shape);
  std::vector<double> values(static_cast<size_t>(shape[0]));
  for (size_t i = 0; i < values.size(); ++i) values[i] = start + static_cast<double>(i) * step;
  return keep(call, type, shape, bytes_of(values, type));
}

Array Folder::cumulative_sum(const OpCall& call) {
  const Array& x = call.constant(0);
  const auto axes = call.ints_at("axis", 1);
  if (!axes || axes->size() != 1) call.fail("wants one axis");
  const size_t axis = front_axis(call, axes->front(), x.shape.size());
  const auto inner = static_cast<size_t>(
      count_elements({x.shape.begin() + static_cast<int64_t>(axis) + 1, x.shape.end()}));
  const auto extent = static_cast<size_t>(x.shape[axis]);
  std::vector<double> values = numbers(call, x);
  const bool is_reverse = call.integer("reverse", 0) != 0;
  const bool is_exclusive = call.integer("exclusive", 0) != 0;
  for (size_t begin = 0; begin < values.size(); ++begin) {
    if (begin / inner % extent != 0) continue;
    double sum = 0;
    for (size_t k = 0; k < extent; ++k) {
      double& value = values[begin + (is_reverse ? extent - 1 - k : k) * inner];
      const double before = std::exchange(sum, sum + value);
      value = is_exclusive ? before : sum;
    }
  }
  return keep(call, x.type, x.shape, bytes_of(values, x.type));
}

Array Folder::reduce(const OpCall& call) {
  const auto row = std::ranges::find(kReductions, call.op(), &Reduction::op);
  if (row == kReductions.end()) call.fail("is not folded");
  const Array& x = call.constant(0);
  const std::vector<bool> reduced = reduced_axes(call, x.shape.size());
  Shape kept = x.shape;
  Shape squeezed_shape;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (reduced[i]) kept[i] = 1;
    if (!reduced[i]) squeezed_shape.push_back(kept[i]);
  }
  const std::vector<double> values = numbers(call, x);
  std::vector<double> sums(static_cast<size_t>(count_elements(kept)), row->start);
  for (size_t i = 0; i < values.size(); ++i) {
    size_t rest = i;
    size_t target = 0;
    size_t stride = 1;
    for (size_t axis = kept.size(); axis-- > 0;) {
      const auto extent = static_cast<size_t>(x.shape[axis]);
      if (!reduced[axis]) target += rest % extent * stride;
      stride *= static_cast<size_t>(kept[axis]);
      rest /= extent;
    }
    sums[target] = row->add(sums[target], values[i]);
  }
  if (row->op == "ReduceMean" && !sums.empty()) {
    const double share = static_cast<double>(sums.size()) / static_cast<double>(values.size());
    for (double& sum : sums) sum *= share;
  }
  const Shape shape = call.integer("keepdims", 1) != 0 ? kept : squeezed_shape;
  return keep(call, x.type, shape, bytes_of(sums, x.type));
}

/// Of a weight that is computed: in training mode with its own mean and variance (as PyTorch
/// standardises weights), else with those given.
Array Folder::batch_normalization(const OpCall& call) {
  const Array& x = call.constant(0);
  if (x.shape.size() < 2) call.fail("normalises channels, and has none");
  const auto channels = static_cast<size_t>(x.shape[1]);
  const auto inner = static_cast<size_t>(count_elements({x.shape.begin() + 2, x.shape.end()}));
  const auto by_channel = [&](size_t i) {
    std::vector<double> list = numbers(call, call.constant(i));
    if (list.size() != channels) call.fail("does not have a number for each channel");
    return list;
  };
  std::vector<double> values = numbers(call, x);
  const std::vector<double> scale = by_channel(1);
  const std::vector<double> shift = by_channel(2);
  std::vector<double> mean = by_channel(3);
  std::vector<double> variance = by_channel(4);
  if (call.integer("training_mode", 0) != 0) {
    const double share = static_cast<double>(channels) / static_cast<double>(values.size());
    const auto mean_of = [&](auto&& term) {
      std::vector<double> sums(channels, 0);
      for (size_t i = 0; i < values.size(); ++i) {
        const size_t c = i / inner % channels;
        sums[c] += term(values[i], c) * share;
      }
      return sums;
    };
    mean = mean_of([](double value, size_t) { return value; });
    variance =
        mean_of([&](double value, size_t c) { return (value - mean[c]) * (value - mean[c]); });
  }
  const double epsilon = call.number("epsilon", 1e-5);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = i / inner % channels;
    values[i] = (values[i] - mean[c]) / std::sqrt(variance[c] + epsilon) * scale[c] + shift[c];
  }
  return keep(call, x.type, x.shape, bytes_of(values, x.type));
}

/// Bounds in inputs, as from opset 11 on.
Array Folder::clip(const OpCall& call) {
  const Array& x = call.constant(0);
  const double low = call.number_at("min", 1).value_or(-kInfinity);
  const double high = call.number_at("max", 2).value_or(kInfinity);
  std::vector<double> values = numbers(call, x);
  for (double& value : values) value = std::min(std::max(value, low), high);
  return keep(call, x.type, x.shape, bytes_of(values, x.type));
}

Array Folder::matmul(const OpCall& call) {
  const Array& a = call.constant(0);
  const Array& b = call.constant(1);
  constexpr int64_t kMostSteps = int64_t{1} << 28;
  if (a.shape.empty() || b.shape.size() != 2 || a.shape.back() != b.shape[0]) {
    call.fail("is folded for rows and a matrix that fit only");
  }
  Shape shape = a.shape;
  shape.back() = b.shape[1];
  const int64_t count = reserve(call, a.type, shape);
  if (count != 0 && b.shape[0] > kMostSteps / count) call.fail("is too large to be folded");
  const std::vector<double> x = numbers(call, a);
  const std::vector<double> y = numbers(call, b);
  const auto columns = static_cast<size_t>(b.shape[1]);
  const auto depth = static_cast<size_t>(b.shape[0]);
  std::vector<double> product(static_cast<size_t>(count), 0);
  for (size_t i = 0; i < product.size(); ++i) {
    for (size_t k = 0; k < depth; ++k) {
      product[i] += x[i / columns * depth + k] * y[k * columns + i % columns];
    }
  }
  return keep(call, a.type, shape, bytes_of(product, a.type));
}

}  // namespace morph::onnx
