#include <algorithm>

#include "morph/base/error.h"
#include "morph/ops/rules.h"
#include "morph/ops/window.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 6> kAttributes = {
    "auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"};

/// Sizes of a weight [O, I / groups, kernel …].
struct Filters {
  int64_t outputs = 0;
  int64_t inputs_per_group = 0;
  int64_t groups = 1;
  std::vector<int64_t> kernel = {};

  /// Each filter reads one channel alone. With a single channel there is no telling apart.
  bool is_depthwise() const { return groups > 1 && inputs_per_group == 1; }
};

Filters filters(const Node& node) {
  const Shape& weight = node.params.at("weight").shape;
  if (weight.size() < 3 || weight.size() > 5) {
    throw Error(cat(node.label(),
                    " expected a weight [O, I/group, kernel...] of rank 3 to 5, got ",
                    format_shape(weight)));
  }
  const int64_t groups = node.integer("group", 1);
  if (groups < 1 || weight[0] % groups != 0) {
    throw Error(cat(node.label(), " group = ", groups, " must divide ", weight[0], " outputs"));
  }
  Filters result{.outputs = weight[0], .inputs_per_group = weight[1], .groups = groups};
  result.kernel.assign(weight.begin() + 2, weight.end());
  return result;
}

Shape conv_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& x = inputs[0];
  const Filters conv = filters(node);
  check_rank(node, x, conv.kernel.size() + 2, conv.kernel.size() + 2);
  if (x[1] % conv.groups != 0 || x[1] / conv.groups != conv.inputs_per_group) {
    throw Error(cat(node.label(),
                    " a weight of shape ",
                    format_shape(node.params.at("weight").shape),
                    " with group = ",
                    conv.groups,
                    " does not fit an input of shape ",
                    format_shape(x)));
  }
  if (node.ints("kernel_shape", conv.kernel) != conv.kernel) {
    throw Error(cat(node.label(),
                    " attribute 'kernel_shape' must be that of the weight, ",
                    format_shape(conv.kernel)));
  }
  check_param(node, "bias", {conv.outputs});
  const Window window = sliding_window(node, x, conv.kernel);
  Shape shape = {x[0], conv.outputs};
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  return shape;
}

/// One of `ids` may only go together with those at its place in the other groups.
void tie_groups(const std::vector<ChannelId>& ids, int64_t groups, ChannelFlow& flow) {
  const size_t size = ids.size() / static_cast<size_t>(groups);
  for (size_t i = size; i < ids.size(); ++i) flow.tie(ids[i % size], ids[i]);
}

/// Output channel i·m + j is input channel i.
std::vector<ChannelId> repeated(const std::vector<ChannelId>& ids, size_t times) {
  std::vector<ChannelId> result;
  for (const ChannelId id : ids) result.insert(result.end(), times, id);
  return result;
}

std::vector<ChannelId> made_channels(const Filters& conv,
                                     const std::vector<ChannelId>& in,
                                     ChannelFlow& flow) {
  std::vector<ChannelId> out = flow.fresh(conv.outputs);
  tie_groups(in, conv.groups, flow);
  tie_groups(out, conv.groups, flow);
  flow.bind_input("weight", 1, {in.begin(), in.begin() + conv.inputs_per_group});
  flow.reads(in);
  return out;
}

Channels conv_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  const Filters conv = filters(node);
  const auto& [shape, channels] = inputs[0];
  const std::vector<ChannelId> in = flow.along_axis(channels, shape, 1);
  const std::vector<ChannelId> out =
      conv.is_depthwise() ? repeated(in, static_cast<size_t>(conv.outputs / conv.groups))
                          : made_channels(conv, in, flow);
  flow.bind_output("weight", 0, out);
  if (node.has_param("bias")) flow.bind_output("bias", 0, out);
  return Channels::along(shape.size(), 1, out);
}

Work conv_work(const Node& node, std::span<const Shape>) {
  const Filters conv = filters(node);
  const auto kernel = static_cast<double>(element_count(conv.kernel));
  const auto groups = static_cast<double>(conv.groups);
  const double pixels = elements_per_position(node.shape, 1);
  Work work{.offsets_per_output = node.has_param("bias") ? 1.0 : 0.0};
  if (conv.is_depthwise()) {
    work.macs_per_output = kernel * pixels;
    work.weights_per_output = kernel;
  } else {
    work.macs_per_pair = kernel * pixels / groups;
    work.weights_per_pair = kernel / groups;
  }
  return work;
}

void conv_resize(Node& node, const Resize& change) {
  if (filters(node).is_depthwise()) set_integer(node, "group", change.new_inputs[0][1], 1);
}

}  // namespace

constinit const OpDef kConv{
    .name = "Conv",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kWeightAndBias,
    .attributes = kAttributes,
    .infer_shape = conv_shape,
    .channels = conv_channels,
    .work = conv_work,
    .resize = conv_resize,
};

}  // namespace morph
