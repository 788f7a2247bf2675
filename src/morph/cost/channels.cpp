#include "morph/cost/channels.h"

namespace morph {

std::vector<BilinearForm> ChannelCount::forms(const Work& work) const {
  if (!work.is_layer()) return {};
  return {{.per_out = 1}};
}

}  // namespace morph
