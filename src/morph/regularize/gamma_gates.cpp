#include "morph/regularize/gamma_gates.h"

#include <algorithm>
#include <set>

#include "morph/ops/op_def.h"

namespace morph {

std::vector<GateSite> find_gamma_gates(const Graph& graph, const ChannelGroups& groups) {
  std::vector<GateSite> sites;
  std::set<std::string> seen;
  for (const NodeId id : graph.ids()) {
    const std::string slot(op_def(graph[id].op).scale_slot);
    if (slot.empty()) continue;
    for (const ParamChannels& param : groups.notes(id).params) {
      const std::string& tensor = graph[id].params.at(param.slot).tensor;
      const auto is_pinned = [&](ChannelId set) { return groups.pinned(set).has_value(); };
      if (param.slot != slot || std::all_of(param.ids.begin(), param.ids.end(), is_pinned))
        continue;
      if (seen.insert(tensor).second) {
        sites.push_back({.node = id, .tensor = tensor, .sets = param.ids});
      }
    }
  }
  return sites;
}

}  // namespace morph
