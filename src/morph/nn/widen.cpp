#include "morph/nn/widen.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>

#include "morph/analysis/channel_groups.h"
#include "morph/base/random.h"
#include "morph/nn/sample_outputs.h"

namespace morph {
namespace {

/// How far a copy's share may be from an even one, as a part of it.
constexpr double kUnevenness = 0.5;

/// By new position, the share of the old weight that it gets; those of one old position add up to
/// 1. `taken` says which old position each new one is.
std::vector<double> uneven_shares(const std::vector<int64_t>& taken, uint64_t seed) {
  Random random(seed);
  std::map<int64_t, int64_t> copies;
  for (const int64_t position : taken) ++copies[position];
  std::vector<double> shares;
  std::map<int64_t, double> sums;
  for (const int64_t position : taken) {
    const double lot = random.uniform();
    shares.push_back(copies[position] == 1 ? 1 : 1 + kUnevenness * (2 * lot - 1));
    sums[position] += shares.back();
  }
  for (size_t i = 0; i < taken.size(); ++i) shares[i] /= sums[taken[i]];
  return shares;
}

}  // namespace

Widened widen_params(const Graph& graph, const Params& params, const Rewrite& wide, uint64_t seed) {
  const at::NoGradGuard no_grad;
  const ChannelGroups groups = find_channel_groups(graph);
  Widened result{.params = apply(wide.plan, params)};
  std::set<std::pair<std::string, size_t>> divided;
  for (const NodeId id : graph.ids()) {
    for (const ParamChannels& param : groups.notes(id).params) {
      const std::string& name = graph[id].params.at(param.slot).tensor;
      const auto slice = wide.plan.find(name);
      if (param.of_output || slice == wide.plan.end()) continue;
      const auto& taken = slice->second.keep[param.axis];
      if (!taken || !divided.emplace(name, param.axis).second) continue;
      at::Tensor& weight = result.params.at(name);
      Shape extents(static_cast<size_t>(weight.dim()), 1);
      extents[param.axis] = static_cast<int64_t>(taken->size());
      const std::vector<double> shares = uneven_shares(*taken, mix_seeds(seed, divided.size()));
      weight.mul_(at::tensor(shares).reshape(extents).to(weight.options()));
    }
  }
  result.difference =
      relative_difference(sample_outputs(graph, params), sample_outputs(wide.graph, result.params));
  return result;
}

}  // namespace morph
