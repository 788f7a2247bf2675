#include "morph/regularize/weight_rows.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/segment_reduce.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "morph/base/error.h"

namespace morph {
namespace {

/// A GPU reduces a segment by a block of threads, a CPU by a call: shorter ones are not worth it.
constexpr int64_t kShortestRun = 8;
/// So that what belongs to no channel does not keep one block of threads busy for long.
constexpr int64_t kLongestGap = 8192;

/// The runs of a vector, in order.
class Runs {
 public:
  explicit Runs(int64_t nowhere) : nowhere_(nowhere) {}

  void skip_to(int64_t position) {
    while (begins_.back() < position) {
      append(std::min(kLongestGap, position - begins_.back()), nowhere_);
    }
  }

  void add(const WeightRows& weight) {
    for (int64_t done = 0; done < weight.size; done += weight.stride) {
      const int64_t row = (done / weight.stride) % weight.extent;
      const int64_t group = weight.groups == 1 ? 0 : done / weight.group_stride;
      append(weight.stride, weight.first_gate + group * weight.extent + row);
    }
  }

  const std::vector<int64_t>& begins() const { return begins_; }
  const std::vector<int64_t>& lengths() const { return lengths_; }
  const std::vector<int32_t>& gates() const { return gates_; }

 private:
  void append(int64_t length, int64_t gate) {
    begins_.push_back(begins_.back() + length);
    lengths_.push_back(length);
    gates_.push_back(static_cast<int32_t>(gate));
  }

  int64_t nowhere_;
  std::vector<int64_t> begins_ = {0};
  std::vector<int64_t> lengths_;
  std::vector<int32_t> gates_;
};

/// Elements that are added one by one.
struct Strewn {
  std::vector<int32_t> elements = {};
  std::vector<int32_t> gates = {};

  void add(const WeightRows& weight, int64_t offset) {
    for (int64_t p = 0; p < weight.size; ++p) {
      const int64_t row = (p / weight.stride) % weight.extent;
      const int64_t group = weight.groups == 1 ? 0 : p / weight.group_stride;
      elements.push_back(static_cast<int32_t>(offset + p));
      gates.push_back(static_cast<int32_t>(weight.first_gate + group * weight.extent + row));
    }
  }
};

/// Indices of the weights in the order of their offsets.
std::vector<size_t> by_offset(const ParameterSpan::Offsets& offsets) {
  std::vector<size_t> order(offsets.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return offsets[i]; });
  return order;
}

}  // namespace

RowSums::RowSums(const std::vector<WeightRows>& weights,
                 const ParameterSpan::Offsets& offsets,
                 int64_t extent,
                 const at::Tensor& like) {
  MORPH_CHECK(extent < std::numeric_limits<int32_t>::max());
  std::vector<double> counts;
  for (const WeightRows& weight : weights) {
    const auto per_row = static_cast<double>(weight.size) / static_cast<double>(weight.gates());
    counts.insert(counts.end(), static_cast<size_t>(weight.gates()), per_row);
  }
  gates_ = static_cast<int64_t>(counts.size());
  Runs runs(gates_);
  Strewn strewn;
  for (const size_t i : by_offset(offsets)) {
    runs.skip_to(offsets[i]);
    if (weights[i].stride >= kShortestRun) {
      runs.add(weights[i]);
    } else {
      strewn.add(weights[i], offsets[i]);
    }
  }
  runs.skip_to(extent);
  const c10::Device device = like.device();
  run_begins_ = at::tensor(runs.begins(), at::kLong).to(device);
  gate_of_run_ = at::tensor(runs.gates(), at::kInt).to(device);
  const at::Tensor lengths = at::tensor(runs.lengths(), at::kLong).to(device);
  gate_of_element_ = at::repeat_interleave(gate_of_run_, lengths, 0, extent);
  if (!strewn.elements.empty()) {
    strewn_ = at::tensor(strewn.elements, at::kInt).to(device);
    gate_of_strewn_ = at::tensor(strewn.gates, at::kInt).to(device);
    gate_of_element_.index_copy_(0, strewn_.to(at::kLong), gate_of_strewn_);
  }
  counts_ = at::tensor(counts).to(device, like.scalar_type());
}

at::Tensor RowSums::sum(const at::Tensor& elements) const {
  const at::Tensor of_runs =
      at::segment_reduce(elements, "sum", {}, {}, run_begins_, 0, /*unsafe=*/true);
  at::Tensor sums = at::zeros({gates_ + 1}, of_runs.options()).index_add(0, gate_of_run_, of_runs);
  if (strewn_.defined()) {
    sums = sums.index_add(0, gate_of_strewn_, elements.index_select(0, strewn_));
  }
  return sums.narrow(0, 0, gates_);
}

at::Tensor RowSums::spread(const at::Tensor& by_gate, double elsewhere) const {
  const at::Tensor rest = at::full({1}, elsewhere, by_gate.options());
  return at::cat({by_gate, rest}).index_select(0, gate_of_element_);
}

}  // namespace morph
