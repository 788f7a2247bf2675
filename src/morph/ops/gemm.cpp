#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"transB"};

/// The weight is [O, I], as with ONNX's transB = 1; stating the attribute changes nothing.
Shape gemm_shape(const Node& node, std::span<const Shape> inputs) {
  const Shape& weight = node.params.at("weight").shape;
  if (weight.size() != 2) {
    throw Error(cat(node.label(), " expected a weight [O, I], got ", format_shape(weight)));
  }
  if (node.integer("transB", 1) != 1) {
    throw Error(cat(node.label(), " transB must be 1: the weight is stored as [O, I]"));
  }
  check_rank(node, inputs[0], 2, kAnyNumber);
  if (inputs[0].back() != weight[1]) {
    throw Error(cat(node.label(),
                    " expected ",
                    weight[1],
                    " features for a weight of shape ",
                    format_shape(weight),
                    ", got an input of shape ",
                    format_shape(inputs[0])));
  }
  check_param(node, "bias", {weight[0]});
  Shape shape = inputs[0];
  shape.back() = weight[0];
  return shape;
}

Channels gemm_channels(const Node& node, std::span<const ValueChannels> inputs, ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const size_t last = shape.size() - 1;
  const std::vector<ChannelId> in = flow.along_axis(channels, shape, last);
  const std::vector<ChannelId> out = flow.fresh(node.shape.back());
  flow.bind_output("weight", 0, out);
  flow.bind_input("weight", 1, in);
  if (node.has_param("bias")) flow.bind_output("bias", 0, out);
  flow.reads(in);
  const Channels made = Channels::along(shape.size(), last, out);
  pin_single_elsewhere(node, made, last, flow);
  return made;
}

Work gemm_work(const Node& node, std::span<const Shape>) {
  const double places = elements_per_position(node.shape, node.shape.size() - 1);
  return {.macs_per_pair = places,
          .weights_per_pair = 1,
          .offsets_per_output = node.has_param("bias") ? 1.0 : 0.0};
}

}  // namespace

constinit const OpDef kGemm{
    .name = "Gemm",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = kWeightAndBias,
    .attributes = kAttributes,
    .infer_shape = gemm_shape,
    .channels = gemm_channels,
    .work = gemm_work,
    .resize = keep_attributes,
};

}  // namespace morph
