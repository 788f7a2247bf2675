#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "morph/ir/graph.h"
#include "morph/zoo/zoo.h"

namespace morph::zoo {

/// Height and width of a sliding window.
using Kernel = std::array<int64_t, 2>;

/// A two-dimensional convolution without bias, for a BatchNormalization comes after it. It is
/// padded by (kernel − 1) / 2 on every side, so that an odd kernel with stride 1 keeps the size.
struct ConvSpec {
  int64_t out = 0;  ///< Output channels.
  Kernel kernel = {3, 3};
  int64_t stride = 1;
  int64_t groups = 1;
};

/// A pool over a square window.
struct PoolSpec {
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t padding = 0;  ///< On every side; zeros count in an average, as in PyTorch by default.
};

/// Writes a network node by node. Every function appends one node under the given name and returns
/// its id; the tensors of its params are called `<name>.<slot>`, as in a PyTorch state_dict. Shapes
/// are inferred as it goes, so sizes of inputs need not be said. Throws Error where a node does not
/// fit what it reads.
class Builder {
 public:
  /// Begins with the node "input" of shape [1, C, H, W].
  Builder(std::string network, const Options& options);

  NodeId input() const { return NodeId{0}; }

  /// `base` times the width option, rounded to the nearest integer and at least 1.
  int64_t width(int64_t base) const;

  const Shape& shape(NodeId id) const { return graph_[id].shape; }

  /// Throws Error unless the input is an image [C, H, W] with both sides at least `side` pixels.
  void require_image(int64_t side) const;

  NodeId conv(std::string name, NodeId x, const ConvSpec& spec);
  NodeId batch_norm(std::string name, NodeId x);
  NodeId relu(std::string name, NodeId x);
  NodeId add(std::string name, NodeId a, NodeId b);
  NodeId concat(std::string name, std::vector<NodeId> parts);  ///< Along the channels.
  NodeId max_pool(std::string name, NodeId x, const PoolSpec& spec);
  NodeId average_pool(std::string name, NodeId x, const PoolSpec& spec);
  NodeId global_average_pool(std::string name, NodeId x);
  NodeId flatten(std::string name, NodeId x);

  /// A dense layer with bias.
  NodeId dense(std::string name, NodeId x, int64_t out);
  /// A dense layer without bias, for a BatchNormalization comes after it.
  NodeId dense_without_bias(std::string name, NodeId x, int64_t out);

  /// The usual end of an image classifier: "avgpool", "flatten" and the dense layer "fc" with one
  /// output for each class. Returns the finished network.
  Graph classify(NodeId x);

  /// The network that returns `output`.
  Graph finish(NodeId output);

 private:
  NodeId append(Node node);

  Graph graph_;
  Options options_;
};

}  // namespace morph::zoo
