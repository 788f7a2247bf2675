#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morph/ir/graph.h"
#include "morph/zoo/zoo.h"

namespace morph::zoo {

/// Height and width of a sliding window.
using Kernel = std::array<int64_t, 2>;

/// A two-dimensional convolution.
struct ConvSpec {
  int64_t out = 0;  ///< Output channels.
  Kernel kernel = {3, 3};
  int64_t stride = 1;
  int64_t groups = 1;
  std::optional<int64_t> padding = {};  ///< On every side; by default (kernel − 1) / 2, so that an
                                        ///< odd kernel with stride 1 keeps the size.
  bool bias = false;  ///< By default none, for a BatchNormalization comes after it.
};

/// A pool over a square window.
struct PoolSpec {
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t padding = 0;  ///< On every side; zeros count in an average, as in PyTorch by default.
};

/// What every BatchNormalization of a network has: ONNX's and PyTorch's defaults.
struct Normalization {
  double epsilon = 1e-5;
  double momentum = 0.9;  ///< Share of the old running statistics that stays, as in ONNX.
};

/// What follows a normalization.
enum class Activation { kNone, kRelu, kRelu6, kHardSwish, kSilu };

/// Writes a network node by node. Every function appends one node under the given name and returns
/// its id; the tensors of its params are called `<name>.<slot>`, as in a PyTorch state_dict. Shapes
/// are inferred as it goes, so sizes of inputs need not be said. Throws Error where a node does not
/// fit what it reads.
class Builder {
 public:
  /// Begins with the node "input" of shape [1, C, H, W].
  Builder(std::string network, const Options& options, const Normalization& normalization = {});

  NodeId input() const { return NodeId{0}; }
  const Options& options() const { return options_; }

  /// `base` times the width option, rounded to the nearest integer and at least 1.
  int64_t width(int64_t base) const;

  const Shape& shape(NodeId id) const { return graph_[id].shape; }
  int64_t channels(NodeId id) const { return shape(id)[1]; }

  /// Throws Error unless the input is an image [C, H, W] with both sides at least `side` pixels.
  void require_image(int64_t side) const;

  /// True in the form for small images, `stem=small`.
  bool is_small() const { return options_.chosen("stem") == "small"; }

  /// The stride of the next step that halves the image: 2, but 1 for the first two in the form for
  /// small images.
  int64_t halve();

  NodeId conv(std::string name, NodeId x, const ConvSpec& spec);
  /// A transposed 2x2 convolution with stride 2 and bias: an image of twice the size.
  NodeId double_size(std::string name, NodeId x, int64_t out);
  NodeId batch_norm(std::string name, NodeId x);
  NodeId relu(std::string name, NodeId x);
  NodeId add(std::string name, NodeId a, NodeId b);
  NodeId multiply(std::string name, NodeId a, NodeId b);
  NodeId sigmoid(std::string name, NodeId x);
  NodeId concat(std::string name, std::vector<NodeId> parts);  ///< Along the channels.
  NodeId max_pool(std::string name, NodeId x, const PoolSpec& spec);
  NodeId average_pool(std::string name, NodeId x, const PoolSpec& spec);
  NodeId global_average_pool(std::string name, NodeId x);
  NodeId flatten(std::string name, NodeId x);
  NodeId dropout(std::string name, NodeId x, double ratio);

  /// The activation; x itself for kNone. SiLU is two nodes, `<name>.sigmoid` and the product.
  NodeId activate(std::string name, NodeId x, Activation activation);

  /// Convolution `<name>.0`, normalization `<name>.1` and activation `<name>.2`: torchvision's
  /// Conv2dNormActivation.
  NodeId conv_norm(const std::string& name, NodeId x, const ConvSpec& spec, Activation activation);

  /// A dense layer with bias.
  NodeId dense(std::string name, NodeId x, int64_t out);
  /// A dense layer without bias, for a BatchNormalization comes after it.
  NodeId dense_without_bias(std::string name, NodeId x, int64_t out);

  /// The mean of each channel as a vector [1, C]: "avgpool" and "flatten".
  NodeId pooled(NodeId x);

  /// The usual end of an image classifier: pooled() and the dense layer "fc" with one output for
  /// each class. Returns the finished network.
  Graph classify(NodeId x);

  /// The network that returns `output`.
  Graph finish(NodeId output);

  /// Appends a node of any op.
  NodeId append(Node node);

 private:
  Graph graph_;
  Options options_;
  Normalization normalization_;
  int64_t halvings_to_skip_;
};

}  // namespace morph::zoo
