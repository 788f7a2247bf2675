#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "expect_error.h"

#include "morph/ops/op_def.h"

namespace morph {

using Ints = std::vector<int64_t>;
using Ids = std::vector<ChannelId>;
using Attrs = std::map<std::string, Attr>;
using Params = std::map<std::string, Param>;

/// A value in a chain of nodes.
struct Value {
  Shape shape = {};
  Channels channels = {};
};

/// Asks the rules of one node after the other, as an analysis of a graph does, and keeps what the
/// last one answered. Channel ids count from 0 in the order they are made.
class Chain {
 public:
  /// A value of this shape whose channels lie along an axis.
  Value value(const Shape& shape, size_t axis = 1) {
    return {shape, Channels::along(shape.size(), axis, flow.fresh(shape[axis]))};
  }

  /// A value of this shape that is one channel.
  Value uniform(const Shape& shape) {
    return {shape, Channels::uniform(shape.size(), flow.fresh(1)[0])};
  }

  Value apply(Node node, const std::vector<Value>& inputs) {
    std::vector<Shape> shapes;
    std::vector<ValueChannels> channels;
    for (const Value& input : inputs) {
      shapes.push_back(input.shape);
      channels.push_back({input.shape, input.channels});
    }
    const OpDef& def = op_def(node.op);
    node.shape = def.infer_shape(node, shapes);
    Value result{node.shape, def.channels(node, channels, flow)};
    notes = flow.take_notes();
    work = def.work(node, shapes);
    return result;
  }

  bool tied(ChannelId a, ChannelId b) const {
    return flow.representative(a) == flow.representative(b);
  }

  std::string reason(ChannelId id) const {
    for (const ChannelPin& pin : flow.pins()) {
      if (std::find(pin.ids.begin(), pin.ids.end(), id) != pin.ids.end()) return pin.reason;
    }
    return "";
  }

  /// The channels along one axis of a param of the last node.
  const ParamChannels& bound(const std::string& slot, size_t axis) const {
    for (const ParamChannels& param : notes.params) {
      if (param.slot == slot && param.axis == axis) return param;
    }
    throw Error("nothing bound to " + slot);
  }

  ChannelFlow flow = {};
  NodeChannels notes = {};
  Work work = {};
};

/// The shape that a node makes of inputs.
inline Shape shape_of(const Node& node, const std::vector<Shape>& inputs) {
  return op_def(node.op).infer_shape(node, inputs);
}

}  // namespace morph
