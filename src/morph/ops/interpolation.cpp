#include "morph/ops/interpolation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

std::vector<double> numbers(const Node& node, const std::string& key) {
  const auto it = node.attrs.find(key);
  if (it == node.attrs.end()) return {};
  if (const auto* values = std::get_if<std::vector<double>>(&it->second)) return *values;
  const std::vector<int64_t> whole = node.ints(key, {});
  return {whole.begin(), whole.end()};
}

void check_choice(const Node& node,
                  const std::string& key,
                  const std::string& fallback,
                  const std::vector<std::string>& known) {
  const std::string value = node.text(key, fallback);
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw Error(cat(node.label(), " attribute '", key, "' cannot be '", value, "'"));
}

void check_choices(const Node& node) {
  check_choice(node, "mode", "nearest", {"nearest", "linear", "cubic"});
  check_choice(node,
               "coordinate_transformation_mode",
               "half_pixel",
               {"half_pixel",
                "half_pixel_symmetric",
                "pytorch_half_pixel",
                "align_corners",
                "asymmetric",
                "tf_crop_and_resize"});
  check_choice(node,
               "nearest_mode",
               "round_prefer_floor",
               {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
  check_choice(
      node, "keep_aspect_ratio_policy", "stretch", {"stretch", "not_larger", "not_smaller"});
}

/// The axes that the entries of 'scales' or 'sizes' are for: those of 'axes', or all.
std::vector<size_t> named_axes(const Node& node, size_t rank) {
  std::vector<size_t> axes;
  if (node.attrs.count("axes") == 0) {
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), size_t{0});
    return axes;
  }
  for (const int64_t axis : node.ints("axes", {})) axes.push_back(data_axis(node, axis, rank));
  return axes;
}

void check_count(const Node& node, const std::string& key, size_t count, size_t expected) {
  if (count == expected) return;
  throw Error(
      cat(node.label(), " attribute '", key, "' must have ", expected, " entries, got ", count));
}

void set_scales(const Node& node, std::vector<ResizedAxis>& axes) {
  const std::vector<double> scales = numbers(node, "scales");
  check_count(node, "scales", scales.size(), axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    const double size = std::floor(scales[i] * static_cast<double>(axes[i].input));
    if (!(size >= 1 && size <= std::numeric_limits<int32_t>::max())) {
      throw Error(cat(node.label(), " attribute 'scales' must not hold ", scales[i]));
    }
    axes[i].scale = scales[i];
    axes[i].output = static_cast<int64_t>(size);
  }
}

void set_sizes(const Node& node, std::vector<ResizedAxis>& axes) {
  const std::vector<int64_t> sizes = node.ints("sizes", {});
  check_count(node, "sizes", sizes.size(), axes.size());
  const std::string policy = node.text("keep_aspect_ratio_policy", "stretch");
  double smallest = std::numeric_limits<double>::infinity();
  double largest = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > std::numeric_limits<int32_t>::max()) {
      throw Error(cat(node.label(), " attribute 'sizes' must not hold ", sizes[i]));
    }
    axes[i].output = sizes[i];
    axes[i].scale = static_cast<double>(sizes[i]) / static_cast<double>(axes[i].input);
    smallest = std::min(smallest, axes[i].scale);
    largest = std::max(largest, axes[i].scale);
  }
  if (policy == "stretch") return;
  for (ResizedAxis& axis : axes) {
    axis.scale = policy == "not_larger" ? smallest : largest;
    axis.output =
        static_cast<int64_t>(std::floor(axis.scale * static_cast<double>(axis.input) + 0.5));
  }
}

/// The position in the input, between positions 0 … input - 1, that output position `x` shows.
double source_position(const Node& node, const ResizedAxis& axis, double x) {
  const std::string mode = node.text("coordinate_transformation_mode", "half_pixel");
  const auto last = static_cast<double>(axis.input - 1);
  const double width = axis.scale * static_cast<double>(axis.input);
  if (mode == "align_corners") return width == 1 ? 0 : x * last / (width - 1);
  if (mode == "asymmetric") return x / axis.scale;
  if (mode == "tf_crop_and_resize") {
    const double shown = axis.roi_end - axis.roi_begin;
    if (width == 1) return (axis.roi_begin + axis.roi_end) * last / 2;
    return axis.roi_begin * last + x * shown * last / (width - 1);
  }
  const double half_pixel = (x + 0.5) / axis.scale - 0.5;
  if (mode == "pytorch_half_pixel") return axis.output == 1 ? 0 : half_pixel;
  if (mode == "half_pixel") return half_pixel;
  // half_pixel_symmetric: the part of a position that rounding cut off is missing on both sides.
  const double kept = static_cast<double>(axis.output) / width;
  return static_cast<double>(axis.input) / 2 * (1 - kept) + half_pixel;
}

/// The kernels of linear and cubic interpolation (Keys 1981) at distance `t`.
double linear_kernel(double t) { return std::max(0.0, 1 - std::abs(t)); }

double cubic_kernel(double t, double a) {
  t = std::abs(t);
  if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2) return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  return 0;
}

/// Input positions first, first + 1, … and their weights.
struct Taps {
  int64_t first = 0;
  std::vector<double> weights = {};
};

Taps nearest_tap(const Node& node, double position) {
  const double below = std::floor(position);
  const double ratio = position - below;
  const std::string mode = node.text("nearest_mode", "round_prefer_floor");
  const bool up = mode == "ceil"                ? ratio > 0
                  : mode == "floor"             ? false
                  : mode == "round_prefer_ceil" ? ratio >= 0.5
                                                : ratio > 0.5;
  return {.first = static_cast<int64_t>(below) + (up ? 1 : 0), .weights = {1}};
}

/// The positions within reach of the kernel, which antialiasing widens where the output is smaller.
Taps smooth_taps(const Node& node, const ResizedAxis& axis, double position) {
  const bool is_cubic = node.text("mode", "nearest") == "cubic";
  const double a = node.number("cubic_coeff_a", -0.75);
  const double stretch = node.integer("antialias", 0) != 0 ? std::min(axis.scale, 1.0) : 1.0;
  const double reach = (is_cubic ? 2 : 1) / stretch;
  Taps taps{.first = static_cast<int64_t>(std::floor(position - reach)) + 1};
  const auto end = static_cast<int64_t>(std::ceil(position + reach));
  for (int64_t i = taps.first; i < end; ++i) {
    const double t = (static_cast<double>(i) - position) * stretch;
    taps.weights.push_back(is_cubic ? cubic_kernel(t, a) : linear_kernel(t));
  }
  return taps;
}

/// Puts the taps into a row of weights; those outside of the input count for its nearest position,
/// or not at all with exclude_outside. Antialiased and excluded ones are scaled to add up to 1.
void add_taps(const Node& node, const Taps& taps, std::span<double> row) {
  const bool excludes = node.integer("exclude_outside", 0) != 0;
  const auto last = static_cast<int64_t>(row.size()) - 1;
  double sum = 0;
  for (size_t i = 0; i < taps.weights.size(); ++i) {
    const int64_t position = taps.first + static_cast<int64_t>(i);
    if (excludes && (position < 0 || position > last)) continue;
    row[static_cast<size_t>(std::clamp<int64_t>(position, 0, last))] += taps.weights[i];
    sum += taps.weights[i];
  }
  if (!excludes && node.integer("antialias", 0) == 0) return;
  for (double& weight : row) weight /= sum;
}

}  // namespace

std::vector<ResizedAxis> resized_axes(const Node& node, const Shape& input) {
  check_choices(node);
  const bool has_scales = node.attrs.count("scales") != 0;
  if (has_scales == (node.attrs.count("sizes") != 0)) {
    throw Error(cat(node.label(), " needs one of the attributes 'scales' and 'sizes'"));
  }
  std::vector<ResizedAxis> axes;
  for (const size_t axis : named_axes(node, input.size())) {
    axes.push_back({.axis = axis, .input = input[axis]});
  }
  has_scales ? set_scales(node, axes) : set_sizes(node, axes);
  const bool crops =
      node.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize";
  const std::vector<double> roi = crops ? numbers(node, "roi") : std::vector<double>{};
  if (crops) check_count(node, "roi", roi.size(), 2 * axes.size());
  for (size_t i = 0; i < roi.size() / 2; ++i) {
    axes[i].roi_begin = roi[i];
    axes[i].roi_end = roi[i + axes.size()];
  }
  std::erase_if(axes, [](const ResizedAxis& axis) {
    return axis.input == axis.output && axis.scale == 1 && axis.roi_begin == 0 && axis.roi_end == 1;
  });
  for (const ResizedAxis& axis : axes) {
    if (axis.axis == 0) throw Error(cat(node.label(), " cannot resize axis 0, the batch"));
  }
  return axes;
}

AxisWeights interpolation_weights(const Node& node, const ResizedAxis& axis) {
  const auto inputs = static_cast<size_t>(axis.input);
  const auto outputs = static_cast<size_t>(axis.output);
  const bool crops =
      node.text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize";
  AxisWeights result{.weights = std::vector<double>(outputs * inputs, 0),
                     .is_outside = std::vector<bool>(outputs, false)};
  for (size_t x = 0; x < outputs; ++x) {
    const double position = source_position(node, axis, static_cast<double>(x));
    result.is_outside[x] = crops && (position < 0 || position > static_cast<double>(inputs - 1));
    const Taps taps = node.text("mode", "nearest") == "nearest" ? nearest_tap(node, position)
                                                                : smooth_taps(node, axis, position);
    add_taps(node, taps, std::span(result.weights).subspan(x * inputs, inputs));
  }
  return result;
}

}  // namespace morph
