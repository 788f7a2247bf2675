#include "morph/cost/activation_memory.h"

#include "morph/cost/memory.h"

namespace morph {

std::vector<BilinearForm> ActivationMemory::forms(const Work& work) const {
  if (!moves(work)) return {};
  return {traffic(work, options())};
}

}  // namespace morph
