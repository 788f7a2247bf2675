#include "morph/cost/activations.h"

namespace morph {

std::vector<BilinearForm> Activations::forms(const Work& work) const {
  if (!work.is_layer()) return {};
  return {{.per_out = static_cast<double>(options().batch_size) * work.output_size}};
}

}  // namespace morph
