#include "morph/train/batch_norm.h"

#include <map>
#include <string>
#include <vector>

#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include "morph/base/error.h"
#include "morph/train/evaluate.h"

namespace morph {
namespace {

/// One running statistic. Kernels do r ← momentum · r + (1 − momentum) · b with each batch, so
/// starting from r = 0 it holds share · b afterwards.
struct Statistic {
  at::Tensor running = {};
  at::Tensor sum = {};
  double share = 0;
};

std::map<std::string, Statistic> find_statistics(const GraphModule& module) {
  std::map<std::string, Statistic> statistics;
  for (const NodeId id : module.graph().ids()) {
    const Node& node = module.graph()[id];
    if (node.op != "BatchNormalization") continue;
    const double momentum = node.number("momentum", 0.9);
    if (momentum >= 1) {
      throw Error(cat(node.label(),
                      " has momentum ",
                      momentum,
                      ", so its statistics cannot be estimated; expected less than 1"));
    }
    for (const char* slot : {"running_mean", "running_var"}) {
      Statistic& statistic = statistics[node.params.at(slot).tensor];
      statistic.running = module.param(id, slot);
      statistic.sum = at::zeros_like(statistic.running);
      statistic.share = momentum * statistic.share + (1 - momentum);
    }
  }
  return statistics;
}

}  // namespace

void reestimate_batch_norm(GraphModule& module, BatchSource& source, int64_t batches) {
  std::map<std::string, Statistic> statistics = find_statistics(module);
  if (statistics.empty() || batches < 1) return;
  const ModeScope mode(module, ModeScope::Mode::kTraining);
  const c10::NoGradGuard no_grad;
  int64_t seen = 0;
  source.start_epoch(0);
  while (seen < batches) {
    const std::optional<Batch> batch = source.next();
    if (!batch) break;
    for (auto& [name, statistic] : statistics) statistic.running.zero_();
    module.forward(move_images(module, batch->images));
    for (auto& [name, statistic] : statistics) statistic.sum.add_(statistic.running);
    ++seen;
  }
  MORPH_CHECK(seen > 0);
  for (auto& [name, statistic] : statistics) {
    statistic.running.copy_(statistic.sum.div(static_cast<double>(seen) * statistic.share));
  }
}

}  // namespace morph
