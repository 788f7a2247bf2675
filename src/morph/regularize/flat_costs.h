#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include "morph/cost/network_cost.h"

namespace morph {

/// Sets of one block whose number alive may change.
struct Pool {
  int32_t block = 0;
  int64_t size = 0;
};

/// Several costs of one network and their slopes, as tensors on a device. K costs, F forms, N rows,
/// C pools.
class FlatCosts {
 public:
  /// All that is not in `pools` is alive for good.
  FlatCosts(const std::vector<CostTable>& tables,
            const ChannelBlocks& blocks,
            const std::vector<Pool>& pools,
            c10::Device device);

  struct Slopes {
    at::Tensor costs = {};    ///< Double [K].
    at::Tensor by_pool = {};  ///< Double [K, C]: what one set of the pool more would cost.
  };

  /// At these numbers of alive sets, Double [C].
  Slopes at(const at::Tensor& alive) const;

 private:
  void note_totals(const std::vector<CostTable>& tables, c10::Device device);

  int64_t rows_ = 0;
  at::Tensor always_;     // Double [3N]: alive for good among the in, out and in again of each row.
  at::Tensor incidence_;  // Double [3N, C]: positions of one set of a pool among the same.
  at::Tensor pair_;       // Double [K, 1, F, N].
  at::Tensor per_side_;   // Double [K, 2, F, N]: slopes at zero, of in and of out.
  at::Tensor per_in_;     // Double [K, F, N].
  at::Tensor fixed_;      // Double [K, F, N].
  at::Tensor is_charged_;  // Bool [K, 1, N]: costs something even when its outputs are dead;
                           // undefined if no row could cost anything then.
  at::Tensor is_sum_;      // Bool [K, 1, 1]; undefined if all costs are sums over rows.
};

}  // namespace morph
