#include "morph/nn/channel_strengths.h"

#include <algorithm>

#include <ATen/core/Tensor.h>

#include "morph/ops/op_def.h"

namespace morph {
namespace {

/// The norm of what lies at each position of an axis.
std::vector<double> norms_along(const at::Tensor& tensor, size_t axis) {
  const at::Tensor rows = tensor.detach()
                              .to(at::kCPU, at::kDouble)
                              .transpose(0, static_cast<int64_t>(axis))
                              .reshape({tensor.size(static_cast<int64_t>(axis)), -1})
                              .norm(2, 1)
                              .contiguous();
  return {rows.const_data_ptr<double>(), rows.const_data_ptr<double>() + rows.numel()};
}

void raise(std::vector<double>& strengths,
           const std::vector<ChannelId>& sets,
           const std::vector<double>& values) {
  for (size_t i = 0; i < sets.size(); ++i) {
    double& strength = strengths[static_cast<size_t>(sets[i])];
    strength = std::max(strength, values[i]);
  }
}

}  // namespace

std::vector<double> channel_strengths(const Graph& graph,
                                      const ChannelGroups& groups,
                                      const Params& params) {
  const auto count = static_cast<size_t>(groups.set_count());
  std::vector<double> by_scale(count, 0);
  std::vector<double> by_filter(count, 0);
  std::vector<bool> has_scale(count, false);
  for (const NodeId id : graph.ids()) {
    const std::string_view scale_slot = op_def(graph[id].op).scale_slot;
    for (const ParamChannels& param : groups.notes(id).params) {
      const bool is_scale = param.slot == scale_slot;
      if (!param.of_output || (!is_scale && param.slot != "weight")) continue;
      const at::Tensor& tensor = params.at(graph[id].params.at(param.slot).tensor);
      raise(is_scale ? by_scale : by_filter, param.ids, norms_along(tensor, param.axis));
      if (!is_scale) continue;
      for (const ChannelId set : param.ids) has_scale[static_cast<size_t>(set)] = true;
    }
  }
  for (size_t set = 0; set < count; ++set) {
    if (!has_scale[set]) by_scale[set] = by_filter[set];
  }
  return by_scale;
}

}  // namespace morph
