#include "morph/transform/shrink.h"

#include "morph/transform/resize.h"

namespace morph {

Rewrite shrink(const Graph& graph, const ChannelGroups& groups, const std::vector<bool>& alive) {
  return resize_channels(graph, groups, std::vector<int64_t>(alive.begin(), alive.end()));
}

Rewrite shrink(const Graph& graph, const Structure& structure) {
  const ChannelGroups groups = find_channel_groups(graph);
  return shrink(graph, groups, alive_sets(graph, groups, structure));
}

}  // namespace morph
