#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "morph/analysis/structure.h"
#include "morph/ir/graph.h"

namespace morph {

/// How many channels of each layer are alive, by the layer's name: all that the structure files of
/// Google's MorphNet hold.
using AliveCounts = std::map<std::string, int64_t>;

/// The counts of a structure by the names that the original gives its ops: the layer's, a slash and
/// "Conv2D", "Conv3D", "conv2d_transpose", "conv3d_transpose" or "MatMul". Layers that the
/// structure does not name keep all; depthwise convolutions, which follow their input, are left
/// out. Throws what alive_sets() throws.
AliveCounts alive_counts(const Graph& graph,
                         const ChannelGroups& groups,
                         const Structure& structure);

/// The names without their first path component, slash included, if all begin with the same one
/// and have one; else as they are. Only once: the second is left.
std::vector<std::string> without_common_prefix(std::vector<std::string> names);

/// The counts by layer of the graph. A name is a layer's, or a layer's with the suffix of an op
/// behind it (the above, "separable_conv2d", "ConfigurableConv2D", "Tensordot/MatMul"); where none
/// of the names is, they are read without_common_prefix(). Throws Error naming one that is still
/// unknown, or two that mean one layer.
AliveCounts counts_by_layer(const Graph& graph,
                            const ChannelGroups& groups,
                            const AliveCounts& counts);

/// The file's text: one JSON object, keys sorted, two spaces a level.
std::string format_alive_counts(const AliveCounts& counts);

/// The reverse. Throws Error naming what is not a count.
AliveCounts alive_counts_from_json(const nlohmann::json& json);

/// Writes BASE/learned_structure/alive_STEP and returns that path; other steps' files stay.
std::filesystem::path write_alive_counts(const std::filesystem::path& base,
                                         int64_t step,
                                         const AliveCounts& counts);

}  // namespace morph
