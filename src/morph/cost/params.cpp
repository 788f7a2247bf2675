#include "morph/cost/params.h"

namespace morph {

std::vector<BilinearForm> ParamCount::forms(const Work& work) const {
  const double per_out = work.weights_per_output + work.offsets_per_output;
  if (work.weights_per_pair == 0 && per_out == 0 && work.fixed_params == 0) return {};
  return {{.pair = work.weights_per_pair, .per_out = per_out, .fixed = work.fixed_params}};
}

}  // namespace morph
