#include "morph/cost/memory.h"

namespace morph {

BilinearForm traffic(const Work& work, const CostOptions& options) {
  const auto param = static_cast<double>(options.element_bytes);
  const double value = param * static_cast<double>(options.batch_size);
  return {.pair = param * work.params_per_pair,
          .per_in = value * work.input_size,
          .per_out = value * work.output_size + param * work.params_per_output,
          .fixed = value * work.fixed_size + param * work.fixed_params};
}

bool moves(const Work& work) {
  return work.input_size > 0 || work.output_size > 0 || work.fixed_size > 0;
}

std::vector<BilinearForm> Memory::forms(const Work& work) const {
  if (!moves(work)) return {};
  return {traffic(work, options())};
}

}  // namespace morph
