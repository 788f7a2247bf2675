#include "morph/ops/opaque.h"

#include <algorithm>

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 8> kAttributes = {
    "call", "domain", "op_type", "opset", "output", "proto", "shape", "type"};

constexpr auto kSlots = [] {
  std::array<Slot, kOpaqueSlots.size()> slots = {};
  for (size_t i = 0; i < slots.size(); ++i) {
    slots[i] = {.name = kOpaqueSlots[i], .required = false, .trainable = false};
  }
  return slots;
}();

/// As declared; a size that is open counts as one.
Shape opaque_shape(const Node& node, std::span<const Shape>) {
  for (const char* text : {"call", "op_type", "proto"}) {
    if (node.text(text, "").empty()) throw Error(cat(node.label(), " needs '", text, "'"));
  }
  Shape shape = node.ints("shape", {1});
  if (shape.empty()) shape = {1};
  for (int64_t& size : shape) size = std::max<int64_t>(size, 1);
  shape[0] = 1;
  return shape;
}

Channels opaque_channels(const Node& node,
                         std::span<const ValueChannels> inputs,
                         ChannelFlow& flow) {
  for (const ValueChannels& input : inputs) {
    flow.pin(input.channels.ids, cat("reaches ", describe_opaque(node)));
  }
  const size_t rank = node.shape.size();
  const std::vector<ChannelId> made = flow.fresh(rank < 2 ? 1 : node.shape[1]);
  flow.pin(made, cat("made by ", describe_opaque(node)));
  return rank < 2 ? Channels::uniform(rank, made[0]) : Channels::along(rank, 1, made);
}

}  // namespace

std::string describe_opaque(const Node& node) {
  const std::string domain = node.text("domain", "");
  return cat("'",
             node.name,
             "', the op ",
             domain.empty() ? "" : domain + ".",
             node.text("op_type", "?"),
             ", which is not known");
}

constinit const OpDef kOpaque{
    .name = kOpaqueOp,
    .min_inputs = 0,
    .max_inputs = kAnyNumber,
    .slots = kSlots,
    .attributes = kAttributes,
    .infer_shape = opaque_shape,
    .channels = opaque_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
