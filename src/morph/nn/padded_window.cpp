#include "morph/nn/padded_window.h"

#include <algorithm>

namespace morph {

bool PaddedWindow::is_symmetric() const {
  for (size_t i = 0; i < kernel.size(); ++i) {
    // With a whole stride to spare LibTorch would add a place.
    const int64_t spare = pads_begin[i] - needed_end[i];
    if (spare < 0 || spare >= strides[i]) return false;
  }
  return true;
}

bool PaddedWindow::is_symmetric_pool() const {
  for (size_t i = 0; i < kernel.size(); ++i) {
    if (2 * pads_begin[i] > kernel[i]) return false;
  }
  return is_symmetric();
}

bool PaddedWindow::is_dilated() const {
  return std::any_of(dilations.begin(), dilations.end(), [](int64_t d) { return d > 1; });
}

bool PaddedWindow::hangs_over() const {
  for (size_t i = 0; i < kernel.size(); ++i) {
    if (needed_end[i] > pads_end[i]) return true;
  }
  return false;
}

std::vector<int64_t> PaddedWindow::implicit_pads() const {
  return is_symmetric() ? pads_begin : std::vector<int64_t>(kernel.size(), 0);
}

std::vector<int64_t> PaddedWindow::explicit_end() const {
  std::vector<int64_t> end;
  for (const int64_t needed : needed_end) end.push_back(std::max<int64_t>(needed, 0));
  return end;
}

PaddedWindow padded_window(const KernelSite& site, const std::vector<int64_t>& kernel) {
  const Shape& input = site.inputs.front();
  PaddedWindow window{sliding_window(site.node, input, kernel)};
  for (size_t i = 0; i < kernel.size(); ++i) {
    const int64_t reach = (kernel[i] - 1) * window.dilations[i] + 1;
    const int64_t end = (window.output[i] - 1) * window.strides[i] + reach;
    window.needed_end.push_back(end - window.pads_begin[i] - input[i + 2]);
  }
  return window;
}

std::vector<int64_t> innermost_first(const std::vector<int64_t>& begin,
                                     const std::vector<int64_t>& end) {
  std::vector<int64_t> pads;
  for (size_t axis = begin.size(); axis-- > 0;) {
    pads.push_back(begin[axis]);
    pads.push_back(end[axis]);
  }
  return pads;
}

}  // namespace morph
