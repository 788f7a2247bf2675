#include "morph/cost/weights.h"

namespace morph {

std::vector<BilinearForm> Weights::forms(const Work& work) const {
  if (work.weights_per_pair == 0 && work.weights_per_output == 0) return {};
  return {{.pair = work.weights_per_pair,
           .per_out = work.weights_per_output,
           .slope_in = work.weights_per_output * work.slope_in_share}};
}

}  // namespace morph
