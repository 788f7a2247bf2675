#include "morph/ops/recurrent.h"

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

int64_t gates_of(const Node& node) { return node.op == "LSTM" ? 4 : node.op == "GRU" ? 3 : 1; }

}  // namespace

Recurrence recurrence(const Node& node) {
  const std::string direction = node.text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    throw Error(cat(node.label(), " has no direction '", direction, "'"));
  }
  const Shape& weight = node.params.at("weight").shape;
  Recurrence result{.gates = gates_of(node),
                    .directions = direction == "bidirectional" ? 2 : 1,
                    .is_reversed = direction == "reverse"};
  const bool fits =
      weight.size() == 3 && weight[0] == result.directions && weight[1] % result.gates == 0;
  if (!fits) {
    throw Error(cat(node.label(),
                    " expected a weight [",
                    result.directions,
                    ", ",
                    result.gates,
                    "·H, I], got ",
                    format_shape(weight)));
  }
  result.hidden = weight[1] / result.gates;
  check_param(node, "recurrence", {weight[0], weight[1], result.hidden});
  check_param(node, "bias", {weight[0], 2 * weight[1]});
  return result;
}

Shape recurrent_shape(const Node& node, std::span<const Shape> inputs) {
  const Recurrence size = recurrence(node);
  check_rank(node, inputs[0], 3, 3);
  const int64_t wanted = node.params.at("weight").shape[2];
  if (inputs[0][2] != wanted) {
    throw Error(cat(node.label(), " expected ", wanted, " features, got ", inputs[0][2]));
  }
  return {1, inputs[0][1], size.directions, size.hidden};
}

/// A state is fed back to all gates: hidden sizes stay.
Channels recurrent_channels(const Node& node,
                            std::span<const ValueChannels> inputs,
                            ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  if (channels.varies_along(1)) {
    flow.pin(channels.ids, cat("'", node.name, "' goes through them step by step"));
  }
  const std::vector<ChannelId> in = flow.along_axis(channels, shape, 2);
  flow.bind_input("weight", 2, in);
  flow.reads(in);
  const std::vector<ChannelId> out = flow.fresh(node.shape[3]);
  flow.pin(out, cat("hidden state of '", node.name, "'"));
  return Channels::along(4, 3, out);
}

/// For each step and direction, G matrices [H, I] and [H, H]; H is fixed, so the second kind counts
/// for each of the H channels.
Work recurrent_work(const Node& node, std::span<const Shape>) {
  const Recurrence size = recurrence(node);
  const auto matrices = static_cast<double>(size.gates * size.directions);
  const auto steps = static_cast<double>(node.shape[1]);
  const auto hidden = static_cast<double>(size.hidden);
  return {.macs_per_pair = steps * matrices,
          .macs_per_output = steps * matrices * hidden,
          .weights_per_pair = matrices,
          .offsets_per_output = matrices * (hidden + (node.has_param("bias") ? 2 : 0))};
}

}  // namespace morph
