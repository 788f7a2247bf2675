#include "morph/nn/window.h"

#include <algorithm>

namespace morph {
namespace {

std::vector<int64_t> kernel_of(const Node& node) {
  if (!node.has_param("weight")) return node.ints("kernel_shape", {});
  const Shape& weight = node.params.at("weight").shape;
  return std::vector<int64_t>(weight.begin() + 2, weight.end());
}

/// The padding that makes the last of `out` windows end where the padded input ends.
std::vector<int64_t> total_padding(const WindowSpec& w, const Shape& in, const Shape& out) {
  std::vector<int64_t> total(w.kernel.size());
  for (size_t i = 0; i < total.size(); ++i) {
    const int64_t span = w.dilations[i] * (w.kernel[i] - 1) + 1;
    total[i] = (out[i + 2] - 1) * w.strides[i] + span - in[i + 2];
  }
  return total;
}

/// Splits the padding as auto_pad says; the odd one goes to the end, or with SAME_LOWER to the
/// beginning.
void set_pads(WindowSpec& w, const Node& node, const std::vector<int64_t>& total) {
  const size_t rank = w.kernel.size();
  const std::string mode = node.text("auto_pad", "NOTSET");
  if (mode == "NOTSET") {
    const std::vector<int64_t> pads = node.ints("pads", std::vector<int64_t>(2 * rank, 0));
    w.pads_begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
    w.pads_end.assign(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
    return;
  }
  for (const int64_t amount : total) {
    const int64_t whole = mode == "VALID" ? 0 : std::max<int64_t>(amount, 0);
    const int64_t begin = mode == "SAME_LOWER" ? (whole + 1) / 2 : whole / 2;
    w.pads_begin.push_back(begin);
    w.pads_end.push_back(whole - begin);
  }
}

}  // namespace

bool WindowSpec::is_symmetric() const {
  for (size_t i = 0; i < kernel.size(); ++i) {
    // The next window would start at a stride further on; pooling pads by half a window at most.
    const int64_t spare = pads_begin[i] - needed_end[i];
    if (spare < 0 || spare >= strides[i] || 2 * pads_begin[i] > kernel[i]) return false;
  }
  return true;
}

std::vector<int64_t> WindowSpec::implicit_pads() const {
  return is_symmetric() ? pads_begin : std::vector<int64_t>(kernel.size(), 0);
}

std::vector<int64_t> WindowSpec::explicit_pads() const {
  if (is_symmetric()) return {};
  return innermost_first(pads_begin, reach_end());
}

std::vector<int64_t> WindowSpec::reach_end() const {
  std::vector<int64_t> reach;
  for (const int64_t end : needed_end) reach.push_back(std::max<int64_t>(end, 0));
  return reach;
}

WindowSpec window_spec(const KernelSite& site) {
  const Node& node = site.node;
  WindowSpec w = {.kernel = kernel_of(node)};
  const std::vector<int64_t> ones(w.kernel.size(), 1);
  w.strides = node.ints("strides", ones);
  w.dilations = node.ints("dilations", ones);
  const std::vector<int64_t> total = total_padding(w, site.inputs.front(), node.shape);
  set_pads(w, node, total);
  for (size_t i = 0; i < total.size(); ++i) w.needed_end.push_back(total[i] - w.pads_begin[i]);
  return w;
}

std::vector<int64_t> innermost_first(const std::vector<int64_t>& begin,
                                     const std::vector<int64_t>& end) {
  std::vector<int64_t> pads;
  for (size_t axis = begin.size(); axis-- > 0;) {
    pads.insert(pads.end(), {begin[axis], end[axis]});
  }
  return pads;
}

}  // namespace morph
