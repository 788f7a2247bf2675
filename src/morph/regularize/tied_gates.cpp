#include "morph/regularize/tied_gates.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/segment_reduce.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "morph/base/error.h"

namespace morph {
namespace {

/// A removable set and where its gates are.
struct GatedSet {
  int32_t block = 0;
  ChannelId set = 0;
  std::vector<int32_t> gates = {};

  bool is_shared() const { return gates.size() > 1; }
};

/// Sets with one gate first, then by block.
std::vector<GatedSet> gated_sets(const std::vector<GateSite>& sites,
                                 const std::vector<bool>& removable,
                                 const ChannelBlocks& blocks) {
  std::map<ChannelId, GatedSet> by_set;
  int32_t gate = 0;
  for (const GateSite& site : sites) {
    for (const ChannelId set : site.sets) {
      if (removable[static_cast<size_t>(set)]) by_set[set].gates.push_back(gate);
      ++gate;
    }
  }
  std::vector<GatedSet> sets;
  for (auto& [set, gated] : by_set) {
    gated.set = set;
    gated.block = blocks.block_of[static_cast<size_t>(set)];
    sets.push_back(std::move(gated));
  }
  std::ranges::stable_sort(
      sets, {}, [](const GatedSet& gated) { return std::tuple(gated.is_shared(), gated.block); });
  return sets;
}

at::Tensor index_tensor(const std::vector<int32_t>& values, const at::Tensor& like) {
  return at::tensor(values, at::kInt).to(like.device());
}

/// ∏ over the other rows of each column.
at::Tensor product_of_others(const at::Tensor& factors) {
  const at::Tensor ones = at::ones_like(factors.narrow(0, 0, 1));
  const int64_t rows = factors.size(0);
  const auto product_of_rows_above = [&](const at::Tensor& rows_down) {
    return at::cat({ones, rows_down.narrow(0, 0, rows - 1)}).cumprod(0);
  };
  return product_of_rows_above(factors) * product_of_rows_above(factors.flip(0)).flip(0);
}

}  // namespace

TiedGates::TiedGates(const std::vector<GateSite>& sites,
                     const std::vector<bool>& removable,
                     const ChannelBlocks& blocks,
                     const at::Tensor& like) {
  const std::vector<GatedSet> sets = gated_sets(sites, removable, blocks);
  std::vector<int32_t> pool_of_set;
  for (size_t i = 0; i < sets.size(); ++i) {
    const bool is_new = i == 0 || sets[i].block != sets[i - 1].block ||
                        sets[i].is_shared() != sets[i - 1].is_shared();
    if (is_new) {
      blocks_of_pools_.push_back(sets[i].block);
      pool_sizes_.push_back(0);
    }
    ++pool_sizes_.back();
    pool_of_set.push_back(static_cast<int32_t>(pool_sizes_.size()) - 1);
    ++(sets[i].is_shared() ? shared_ : single_);
    most_ = std::max(most_, static_cast<int64_t>(sets[i].gates.size()));
  }
  if (shared_ == 0) most_ = 0;

  int64_t gates = 0;
  for (const GateSite& site : sites) gates += static_cast<int64_t>(site.sets.size());
  const int64_t slots = single_ + most_ * shared_;
  MORPH_CHECK(slots < std::numeric_limits<int32_t>::max());
  std::vector<int32_t> gate_of_slot(static_cast<size_t>(slots));
  std::vector<int32_t> slot_of_gate(static_cast<size_t>(gates), static_cast<int32_t>(slots));
  std::vector<double> is_gate(static_cast<size_t>(most_ * shared_), 0.0);
  for (size_t i = 0; i < sets.size(); ++i) {
    const auto first = static_cast<int64_t>(i);
    const int64_t rows = sets[i].is_shared() ? most_ : 1;
    for (int64_t row = 0; row < rows; ++row) {
      const bool is_real = row < static_cast<int64_t>(sets[i].gates.size());
      const int32_t gate = sets[i].gates[is_real ? static_cast<size_t>(row) : 0];
      const auto slot = static_cast<size_t>(first + row * shared_);
      gate_of_slot[slot] = gate;
      if (!is_real) continue;
      slot_of_gate[static_cast<size_t>(gate)] = static_cast<int32_t>(slot);
      if (rows > 1) is_gate[slot - static_cast<size_t>(single_)] = 1;
    }
  }
  gate_of_slot_ = index_tensor(gate_of_slot, like);
  slot_of_gate_ = index_tensor(slot_of_gate, like);
  pool_of_set_ = index_tensor(pool_of_set, like);
  is_gate_ = at::tensor(is_gate).reshape({most_, shared_}).to(like.device(), like.scalar_type());
  nothing_ = at::zeros({1}, like.options());

  std::vector<int64_t> begins = {0};
  for (int round = 0; round < 2; ++round) {
    for (const int64_t size : pool_sizes_) begins.push_back(begins.back() + size);
  }
  pool_begins_ = at::tensor(begins, at::kLong).to(like.device());
}

at::Tensor TiedGates::matrix(const at::Tensor& by_slot) const {
  return by_slot.narrow(0, single_, most_ * shared_).view({most_, shared_});
}

CombinedGates TiedGates::combine(const at::Tensor& values, Combination how) const {
  const at::Tensor by_slot = values.index_select(0, gate_of_slot_);
  if (shared_ == 0) return {.by_slot = by_slot, .by_set = by_slot};
  const at::Tensor tied = matrix(by_slot);
  at::Tensor shared;
  switch (how) {
    case Combination::kLargest:
      shared = tied.amax(0);
      break;
    case Combination::kL2:
      shared = (tied * tied).mul_(is_gate_).sum(0).sqrt_();
      break;
    case Combination::kTotal:
      shared = (tied * is_gate_).sum(0);
      break;
    case Combination::kProbabilistic:
      shared = 1 - (1 - tied * is_gate_).prod(0);
      break;
  }
  return {.by_slot = by_slot, .by_set = at::cat({by_slot.narrow(0, 0, single_), shared})};
}

at::Tensor TiedGates::sum_by_pool(const at::Tensor& first, const at::Tensor& second) const {
  const int64_t sets = pool_of_set_.numel();
  const at::Tensor both = at::empty({2 * sets}, first.options().dtype(at::kDouble));
  both.narrow(0, 0, sets).copy_(first);
  both.narrow(0, sets, sets).copy_(second);
  return at::segment_reduce(both, "sum", {}, {}, pool_begins_, 0, /*unsafe=*/true).view({2, -1});
}

at::Tensor TiedGates::spread(const at::Tensor& pool_slopes,
                             const CombinedGates& combined,
                             Combination how) const {
  const at::Tensor by_set = pool_slopes.index_select(0, pool_of_set_);
  if (shared_ == 0) return at::cat({by_set, nothing_}).index_select(0, slot_of_gate_);
  const at::Tensor slopes = by_set.narrow(0, single_, shared_);
  const at::Tensor shared = combined.by_set.narrow(0, single_, shared_);
  const at::Tensor tied = matrix(combined.by_slot);
  at::Tensor share;
  switch (how) {
    case Combination::kLargest: {
      const at::Tensor is_largest = tied.eq(shared) * is_gate_;
      share = is_largest * (slopes / is_largest.sum(0));
      break;
    }
    case Combination::kL2:
      // Where the sum is zero, so is each of its terms.
      share = tied / shared.clamp_min(std::numeric_limits<float>::min()) * slopes;
      break;
    case Combination::kTotal:
      share = is_gate_ * slopes;
      break;
    case Combination::kProbabilistic:
      share = product_of_others(1 - tied * is_gate_) * slopes;
      break;
  }
  return at::cat({by_set.narrow(0, 0, single_), share.flatten(), nothing_})
      .index_select(0, slot_of_gate_);
}

}  // namespace morph
