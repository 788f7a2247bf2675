#include "morph/ops/normalization.h"

#include "morph/base/error.h"

namespace morph {

void check_epsilon(const Node& node) {
  const double epsilon = node.number("epsilon", 1e-5);
  if (!(epsilon >= 0)) {
    throw Error(cat(node.label(), " attribute 'epsilon' must not be negative, got ", epsilon));
  }
}

Work scale_and_shift_work(const Node& node, std::span<const Shape>) {
  return {.offsets_per_output = node.has_param("bias") ? 2.0 : 1.0};
}

}  // namespace morph
