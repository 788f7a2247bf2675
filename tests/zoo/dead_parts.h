#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "morph/analysis/channel_groups.h"
#include "morph/base/random.h"

namespace morph::zoo {

/// A part of a network whose channels are all dead, and what shrinking makes of it.
struct DeadPart {
  std::string network;               ///< Specification, for small images.
  std::vector<std::string> layers;   ///< Whose output channels are dead.
  std::vector<std::string> leaving;  ///< Beginnings of the names of all nodes that leave.
  std::vector<std::string> staying;  ///< Nodes that stay although a name in `leaving` begins
                                     ///< theirs, or that a reader might expect to leave.
};

inline std::ostream& operator<<(std::ostream& out, const DeadPart& part) {
  return out << part.network << " without " << part.layers.front();
}

/// One for each way in which a part of a network of the zoo can leave it.
inline std::vector<DeadPart> dead_parts() {
  const std::vector<DeadPart> parts = {
      // A residual unit becomes its skip, …
      {"resnet18?width=0.25&input=3x32x32", {"layer1.1.conv1"}, {"layer1.1."}, {"layer1.1.relu2"}},
      {"resnet50?width=0.125&input=3x32x32", {"layer2.1.conv2"}, {"layer2.1."}, {"layer2.1.relu3"}},
      {"resnext50_32x4d?width=0.25&input=3x32x32",
       {"layer2.1.conv2"},
       {"layer2.1."},
       {"layer2.1.relu3"}},
      {"audio_resnet50?width=0.125&input=1x24x16",
       {"layer3.1.conv1"},
       {"layer3.1."},
       {"layer3.1.relu3"}},
      {"resnet_v2_50?width=0.125&input=3x32x32", {"layer1.1.conv1"}, {"layer1.1."}, {}},
      // … one that halves the image its subsampled skip, one that widens its projection.
      {"resnet50?width=0.125&input=3x32x32&stride=last",
       {"layer1.2.conv1"},
       {"layer1.2."},
       {"layer1.2.subsample", "layer1.2.relu3"}},
      {"resnet18?width=0.25&input=3x32x32",
       {"layer2.0.conv1"},
       {"layer2.0.conv", "layer2.0.bn", "layer2.0.relu1", "layer2.0.add"},
       {"layer2.0.downsample.0", "layer2.0.downsample.1"}},
      {"resnet20?width=0.5", {"layer1.1.conv1"}, {"layer1.1."}, {"layer1.1.relu2"}},
      // An inverted residual becomes its skip, its gate goes along.
      {"mobilenet_v2?width=0.25&input=3x32x32", {"features.3.conv.0.0"}, {"features.3."}, {}},
      {"mobilenet_v3_small?width=0.25&input=3x32x32",
       {"features.5.block.0.0"},
       {"features.5."},
       {}},
      {"efficientnet_b0?width=0.25&input=3x32x32",
       {"features.3.1.block.0.0"},
       {"features.3.1."},
       {}},
      // A tower leaves its concatenation, whichever of its layers dies.
      {"inception_v2?width=0.125&input=3x32x32",
       {"Mixed_4b.Branch_1.Conv2d_0b_3x3.conv"},
       {"Mixed_4b.Branch_1."},
       {"Mixed_4b.concat"}},
      {"inception_v2?width=0.125&input=3x32x32",
       {"Mixed_5b.Branch_2.Conv2d_0a_1x1.conv", "Mixed_5b.Branch_3.Conv2d_0b_1x1.conv"},
       {"Mixed_5b.Branch_2.", "Mixed_5b.Branch_3."},
       {"Mixed_5b.concat"}},
      {"inception_v3?width=0.125&input=3x32x32",
       {"Mixed_7b.branch3x3_2a.conv", "Mixed_7b.branch3x3dbl_1.conv"},
       {"Mixed_7b.branch3x3_2a.", "Mixed_7b.branch3x3dbl_"},
       {"Mixed_7b.branch3x3_2b.conv", "Mixed_7b.concat"}},
      // A branch leaves its unit: the shuffle hands on the half that passed by.
      {"shufflenet_v2_x0_5?input=3x32x32",
       {"stage3.2.branch2.0"},
       {"stage3.2.branch2.", "stage3.2.read", "stage3.2.concat"},
       {"stage3.2.shuffle"}},
      {"shufflenet_v2_x0_5?input=3x32x32",
       {"stage2.0.branch1.2"},
       {"stage2.0.branch1.", "stage2.0.concat"},
       {"stage2.0.shuffle"}},
      // A level leaves, and the skip goes on alone.
      {"unet?width=0.125&input=3x32x32",
       {"down4.maxpool_conv.1.double_conv.0"},
       {"down4.", "up1.up", "up1.concat"},
       {"up1.conv.double_conv.0"}},
      // A layer leaves the concatenations of all layers after it.
      {"densenet121?width=0.25&input=3x32x32",
       {"features.denseblock2.denselayer3.conv2"},
       {"features.denseblock2.denselayer3."},
       {"features.denseblock2.denselayer4.concat"}},
      {"densenet121?width=0.25&input=3x32x32",
       {"features.denseblock1.denselayer2.conv1"},
       {"features.denseblock1.denselayer2."},
       {"features.denseblock1.denselayer3.concat"}},
  };
  return parts;
}

/// Alive or not for each channel set: all but those that the layers make.
inline std::vector<bool> alive_without(const Graph& graph,
                                       const ChannelGroups& groups,
                                       const std::vector<std::string>& layers) {
  std::vector<bool> alive(static_cast<size_t>(groups.set_count()), true);
  for (const std::string& layer : layers) {
    for (const ChannelId set : groups.made_by(graph.find(layer).value())) {
      alive[static_cast<size_t>(set)] = false;
    }
  }
  return alive;
}

/// Seven of ten channel sets, and of every layer at least one.
inline std::vector<bool> most_alive(const Graph& graph,
                                    const ChannelGroups& groups,
                                    uint64_t seed) {
  Random random(seed);
  std::vector<bool> alive;
  for (ChannelId set = 0; set < groups.set_count(); ++set) {
    alive.push_back(groups.pinned(set) || random.uniform() < 0.7);
  }
  for (const NodeId id : graph.ids()) {
    const auto& made = groups.made_by(id);
    if (!made.empty()) alive[static_cast<size_t>(made.front())] = true;
  }
  return alive;
}

}  // namespace morph::zoo
