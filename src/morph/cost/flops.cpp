#include "morph/cost/flops.h"

namespace morph {

std::vector<BilinearForm> Flops::forms(const Work& work) const {
  if (!work.is_layer()) return {};
  return {{.pair = 2 * work.macs_per_pair, .per_out = 2 * work.macs_per_output}};
}

}  // namespace morph
