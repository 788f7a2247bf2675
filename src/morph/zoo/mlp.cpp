#include <array>

#include "morph/base/error.h"
#include "morph/zoo/builder.h"
#include "morph/zoo/families.h"

namespace morph::zoo {

Graph build_mlp(const Options& options) {
  Builder net("mlp", options);
  NodeId x = net.flatten("flatten", net.input());
  constexpr std::array<int64_t, 2> kWidths = {256, 128};
  for (size_t i = 0; i < kWidths.size(); ++i) {
    x = net.dense_without_bias(cat("fc", i + 1), x, net.width(kWidths[i]));
    x = net.relu(cat("relu", i + 1), net.batch_norm(cat("bn", i + 1), x));
  }
  return net.finish(net.dense("fc3", x, options.classes));
}

}  // namespace morph::zoo
