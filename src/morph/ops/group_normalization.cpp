#include "morph/base/error.h"
#include "morph/ops/normalization.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 2> kAttributes = {"epsilon", "num_groups"};

Shape group_normalization_shape(const Node& node, std::span<const Shape> inputs) {
  check_rank(node, inputs[0], 2, kAnyNumber);
  const int64_t channels = inputs[0][1];
  const int64_t groups = node.integer("num_groups", 0);
  if (groups < 1 || channels % groups != 0) {
    throw Error(cat(node.label(),
                    " attribute 'num_groups' must divide the ",
                    channels,
                    " channels of the input, got ",
                    groups));
  }
  for (const char* slot : {"weight", "bias"}) check_param(node, slot, {channels});
  check_epsilon(node);
  return inputs[0];
}

/// The statistics of a group are those of all its channels, so a group is kept or removed whole.
Channels group_normalization_channels(const Node& node,
                                      std::span<const ValueChannels> inputs,
                                      ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const std::vector<ChannelId> ids = flow.along_axis(channels, shape, 1);
  const auto groups = static_cast<size_t>(node.integer("num_groups", 1));
  const size_t size = ids.size() / groups;
  for (size_t i = 0; i < ids.size(); ++i) flow.tie(ids[i / size * size], ids[i]);
  if (groups == 1) flow.pin(ids, cat("normalised over all channels in '", node.name, "'"));
  for (const char* slot : {"weight", "bias"}) flow.bind_output(slot, 0, ids);
  return Channels::along(shape.size(), 1, ids);
}

/// Whole groups leave, or are repeated, so their size stays.
void group_normalization_resize(Node& node, const Resize& change) {
  const int64_t size = change.old_inputs[0][1] / node.integer("num_groups", 1);
  node.attrs["num_groups"] = std::vector<int64_t>{change.new_inputs[0][1] / size};
}

}  // namespace

constinit const OpDef kGroupNormalization{
    .name = "GroupNormalization",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kScaleAndShift,
    .attributes = kAttributes,
    .infer_shape = group_normalization_shape,
    .channels = group_normalization_channels,
    .work = scale_and_shift_work,
    .resize = group_normalization_resize,
    .scale_slot = "weight",
};

}  // namespace morph
