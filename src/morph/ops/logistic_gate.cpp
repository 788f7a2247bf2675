#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 7> kAttributes = {"annealing_rate",
                                                         "axis",
                                                         "keep_first",
                                                         "log_odds",
                                                         "soft_inference",
                                                         "straight_through",
                                                         "temperature"};

constexpr std::array kSlots = {
    Slot{.name = "logits", .required = true, .trainable = true},
    Slot{.name = "noise", .required = true, .trainable = false},
    Slot{.name = "step", .required = false, .trainable = false},
};

size_t channel_axis(const Node& node, const Shape& input) {
  return data_axis(node, node.integer("axis", 1), input.size());
}

void check_positive(const Node& node, const std::string& key, double fallback) {
  const double value = node.number(key, fallback);
  if (value > 0) return;
  throw Error(cat(node.label(), " attribute '", key, "' must be above 0, got ", value));
}

Shape logistic_gate_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  check_rank(node, x, 2, kAnyNumber);
  const int64_t channels = x[channel_axis(node, x)];
  check_param(node, "logits", {channels});
  check_param(node, "noise", {channels});
  check_param(node, "step", {1});
  check_positive(node, "temperature", 0.001);
  node.number("log_odds", 2.5);
  const bool anneals = node.attrs.count("annealing_rate") != 0;
  if (anneals) check_positive(node, "annealing_rate", 1);
  if (anneals != node.has_param("step")) {
    throw Error(cat(node.label(), " needs a param 'step' if it anneals, and only then"));
  }
  return x;
}

Channels logistic_gate_channels(const Node& node,
                                std::span<const ValueChannels> inputs,
                                ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const size_t axis = channel_axis(node, shape);
  const std::vector<ChannelId> ids = flow.along_axis(channels, shape, axis);
  flow.bind_output("logits", 0, ids);
  flow.bind_output("noise", 0, ids);
  if (node.integer("keep_first", 1) != 0) {
    flow.pin(std::span(ids).first(1), cat("first channel of the gate '", node.name, "'"));
  }
  return Channels::along(shape.size(), axis, ids);
}

/// Gates are taken out of the finished network, so they cost nothing.
Work logistic_gate_work(const Node&, std::span<const Shape>) { return {.is_view = true}; }

}  // namespace

/// Multiplies each channel (of `axis`) by a mask: in training a fresh sample of
/// σ((logits + ℓ) / temperature) with ℓ from the logistic distribution, kept in `noise`, or with
/// straight_through a sample of 1[logits + ℓ > 0] with the slope of the former; at inference
/// 1[logits > 0], times σ(logits) with soft_inference. The temperature falls by a tenth every
/// annealing_rate training passes, counted in `step`. keep_first holds the first mask at 1.
/// `log_odds` is where fresh logits begin. An op of our own, that of Fine-Grained
/// Stochastic Architecture Search (FiGS, arXiv 2006.09581).
constinit const OpDef kLogisticGate{
    .name = "LogisticGate",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kSlots,
    .attributes = kAttributes,
    .infer_shape = logistic_gate_shape,
    .channels = logistic_gate_channels,
    .work = logistic_gate_work,
    .resize = keep_attributes,
};

}  // namespace morph
