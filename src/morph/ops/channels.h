#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morph/base/union_find.h"
#include "morph/ir/graph.h"

namespace morph {

/// One channel of some value, followed by identity from the op that makes it through all that hand
/// it on. Small integers, given out by ChannelFlow::fresh().
using ChannelId = int32_t;

/// Which channel each position of a value belongs to. `extents` is the value's shape with 1 on
/// every axis along which the channel does not change, so [N, C, H, W] feature maps have [1, C, 1,
/// 1]; `ids` are in row-major order. More than one axis may vary: reshaping C into (g, C/g) gives
/// [1, g, C/g, 1, 1], and flattening a map gives [1, C·H·W] with each id H·W times.
struct Channels {
  Shape extents = {};
  std::vector<ChannelId> ids = {};
  bool is_open = false;  ///< Of a constant that has not met other values yet: it varies along all
                         ///< its axes, and what it meets says which of them hold channels.

  /// The same id everywhere: a value without channels to tell apart.
  static Channels uniform(size_t rank, ChannelId id);

  /// Ids that vary along one axis of a value of this rank.
  static Channels along(size_t rank, size_t axis, std::vector<ChannelId> ids);

  bool varies_along(size_t axis) const { return extents[axis] > 1; }

  /// The ids with `extents` grown to `shape` on the axes marked true: each repeated along them.
  Channels expanded(const Shape& shape, const std::vector<bool>& axes) const;

  /// The same with every axis along which no id changes set to 1.
  Channels compressed() const;

  bool operator==(const Channels&) const = default;
};

/// Along one axis of one param of a node, the channel that each position belongs to.
struct ParamChannels {
  std::string slot = {};
  size_t axis = 0;
  std::vector<ChannelId> ids = {};  ///< One per position.
  bool of_output = true;            ///< Channels of the node's output; else of what it reads.
};

/// What is known of a node's channels beside those of its output.
struct NodeChannels {
  std::vector<ParamChannels> params = {};
  std::vector<ChannelId> reads = {};  ///< Input channels each output channel is computed from all
                                      ///< of (Conv, Gemm); empty for ops that mix no channels.
  std::string value_param = {};       ///< Slot of the param that is the node's value, if one is:
                                      ///< its axes carry the channels of the value's axes.
};

/// Channels that may not be removed, and why.
struct ChannelPin {
  std::vector<ChannelId> ids = {};
  std::string reason = {};

  bool operator==(const ChannelPin&) const = default;
};

/// The state in which channel rules work: hands out channels, ties and pins them, and notes where a
/// node's params carry them. One per analysis of a graph.
class ChannelFlow {
 public:
  /// New channels, tied to nothing.
  std::vector<ChannelId> fresh(int64_t count);

  /// From now on the two live or die together.
  void tie(ChannelId a, ChannelId b) { sets_.unite(a, b); }
  /// Position by position. The spans have one length.
  void tie(std::span<const ChannelId> a, std::span<const ChannelId> b);

  /// Nothing tied to these channels may be removed; the first reason given for a channel counts.
  /// Say what holds it, for a person: "network output", "Softmax over channels in 'attn'".
  void pin(std::span<const ChannelId> ids, std::string_view reason);

  /// The channels of `value` along `axis`, for an op that treats that axis as channels: whatever
  /// varies along another axis is tied, so that position i is one channel set.
  std::vector<ChannelId> along_axis(const Channels& value, const Shape& shape, size_t axis);

  /// The channels of `value` with all positions along the axes marked true tied: they go together.
  Channels merged(const Channels& value, const std::vector<bool>& axes);

  /// `open` with positions along all axes but those marked true tied, and settled: from now on the
  /// constant that has these ids holds channels along those axes.
  Channels settle(const Channels& open, const std::vector<bool>& channel_axes);

  /// The channels of a constant's value as they were settled first, or as they are.
  Channels as_settled(const Channels& constant) const;

  /// Notes for the node under analysis that positions of a param's axis are output channels …
  void bind_output(std::string slot, size_t axis, std::vector<ChannelId> ids);
  /// … or channels that the node reads.
  void bind_input(std::string slot, size_t axis, std::vector<ChannelId> ids);
  /// Notes that every output channel of the node is computed from all of these.
  void reads(std::vector<ChannelId> ids);
  /// Notes that the node's value is a param of its own.
  void bind_value(std::string slot);

  /// Ends the analysis of one node and returns what was noted for it.
  NodeChannels take_notes();

  ChannelId representative(ChannelId id) const { return sets_.find(id); }
  const UnionFind& sets() const { return sets_; }

  /// In the order they were given.
  const std::vector<ChannelPin>& pins() const { return pins_; }

 private:
  UnionFind sets_;
  std::vector<ChannelPin> pins_;
  std::map<ChannelId, Shape> settled_;  ///< By a constant's first id, the extents of its channels.
  NodeChannels notes_;
};

}  // namespace morph
