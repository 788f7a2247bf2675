#include "morph/cost/flops.h"

namespace morph {

BilinearForm arithmetic(const Work& work, const CostOptions& options) {
  const double flops = 2 * static_cast<double>(options.batch_size);
  return {.pair = flops * work.macs_per_pair,
          .per_in = flops * work.product_per_input,
          .per_out = flops * (work.macs_per_output + work.product_per_output),
          .slope_in = flops * work.macs_per_output * work.slope_in_share};
}

bool computes(const Work& work) { return work.is_layer() || work.product_macs > 0; }

std::vector<BilinearForm> Flops::forms(const Work& work) const {
  if (!computes(work)) return {};
  return {arithmetic(work, options())};
}

}  // namespace morph
