#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/analysis/channel_blocks.h"
#include "morph/regularize/gates.h"
#include "morph/regularize/regularizer_options.h"

namespace morph {

/// What one value per gate becomes when the gates of each removable channel set are combined.
struct CombinedGates {
  at::Tensor by_slot = {};  ///< The values in the order of TiedGates.
  at::Tensor by_set = {};   ///< [sets], in the order of TiedGates.
};

/// The gates of a network arranged by the channel set they decide about, so that combining them is
/// a few operations over all sets. Sets are ordered by pool, a pool being the gated sets of one
/// block: what costs see of them is only how many are alive. Sets with several gates come last and
/// are a matrix, one column each, padded to the largest number of gates.
class TiedGates {
 public:
  /// Gates of sets that are not `removable` are left out. `like` says the type and device of gates.
  TiedGates(const std::vector<GateSite>& sites,
            const std::vector<bool>& removable,
            const ChannelBlocks& blocks,
            const at::Tensor& like);

  /// By pool, the block that its sets belong to.
  const std::vector<int32_t>& blocks_of_pools() const { return blocks_of_pools_; }
  /// By pool, how many sets it has.
  const std::vector<int64_t>& pool_sizes() const { return pool_sizes_; }

  CombinedGates combine(const at::Tensor& values, Combination how) const;

  /// Σ over the sets of each pool of two values [sets]: Double [2, pools].
  at::Tensor sum_by_pool(const at::Tensor& first, const at::Tensor& second) const;

  /// From slopes [pools] of the sets' combined values to slopes [gates].
  at::Tensor spread(const at::Tensor& pool_slopes,
                    const CombinedGates& combined,
                    Combination how) const;

 private:
  at::Tensor matrix(const at::Tensor& by_slot) const;

  std::vector<int32_t> blocks_of_pools_;
  std::vector<int64_t> pool_sizes_;
  int64_t single_ = 0;       // Sets with one gate.
  int64_t shared_ = 0;       // Sets with more.
  int64_t most_ = 0;         // Gates of one set.
  at::Tensor gate_of_slot_;  // Int [single + most · shared]; padding repeats the set's first gate.
  at::Tensor slot_of_gate_;  // Int [gates]; those left out point behind the last slot.
  at::Tensor is_gate_;       // [most, shared]: 1, or 0 for padding.
  at::Tensor pool_of_set_;   // Int [sets].
  at::Tensor pool_begins_;   // Long [2 · pools + 1]: of two values of all sets, end to end.
  at::Tensor nothing_;       // [1], zero.
};

}  // namespace morph
