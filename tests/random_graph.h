#pragma once

#include <cstdint>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/base/random.h"
#include "morph/ir/graph.h"

namespace morph {

/// A random convolutional network on small images with residual blocks, towers, splits, grouped,
/// depthwise and transposed convolutions, channel and pixel shuffles, squeeze-and-excitation,
/// attention over space, branches and tokens, NHWC islands, constants, group norms, pools and dense
/// layers. A function of the seed; shapes are inferred.
Graph random_graph(uint64_t seed);

/// A random choice of channel sets to keep: pinned ones always, of the others a random share; now
/// and then all channels of a group die.
std::vector<bool> random_alive(const Graph& graph, const ChannelGroups& groups, uint64_t seed);

}  // namespace morph
