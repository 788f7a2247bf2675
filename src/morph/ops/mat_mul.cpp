#include <algorithm>

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array kSlots = {Slot{.name = "weight", .required = false, .trainable = true}};

/// The axes that one operand [..., rows, columns] has channels along, and what they are there.
struct Operand {
  const Shape& shape;
  const Channels& channels;

  size_t rows() const { return shape.size() - 2; }
  size_t columns() const { return shape.size() - 1; }
};

[[noreturn]] void refuse(const Node& node, const Shape& left, const Shape& right) {
  throw Error(cat(node.label(),
                  " cannot multiply ",
                  format_shape(left),
                  " by ",
                  format_shape(right),
                  ": expected [..., M, K] and [..., K, N]"));
}

Shape product_with_weight(const Node& node, const Shape& x) {
  const Shape& weight = node.params.at("weight").shape;
  check_rank(node, x, 2, kAnyNumber);
  if (weight.size() != 2 || x.back() != weight[0]) refuse(node, x, weight);
  Shape shape = x;
  shape.back() = weight[1];
  return shape;
}

/// Leading axes broadcast. Axis 0 is the batch, so both have it and one rank of 3 or more.
Shape product_of_values(const Node& node, const Shape& left, const Shape& right) {
  if (left.size() != right.size() || left.size() < 3) {
    throw Error(cat(node.label(),
                    " expected two values of one rank, 3 or more, got ",
                    format_shape(left),
                    " and ",
                    format_shape(right)));
  }
  const size_t rows = left.size() - 2;
  if (left[rows + 1] != right[rows]) refuse(node, left, right);
  Shape shape = left;
  shape[rows + 1] = right[rows + 1];
  for (size_t axis = 0; axis < rows; ++axis) {
    if (left[axis] != right[axis] && left[axis] != 1 && right[axis] != 1) {
      refuse(node, left, right);
    }
    shape[axis] = std::max(left[axis], right[axis]);
  }
  return shape;
}

Shape mat_mul_shape(const Node& node, std::span<const Shape> inputs) {
  if (node.has_param("weight") == (inputs.size() == 2)) {
    throw Error(cat(node.label(), " needs a second input or a param 'weight', and not both"));
  }
  return inputs.size() == 2 ? product_of_values(node, inputs[0], inputs[1])
                            : product_with_weight(node, inputs[0]);
}

Channels channels_of_weight(const Node& node, const ValueChannels& input, ChannelFlow& flow) {
  const size_t last = input.shape.size() - 1;
  const std::vector<ChannelId> in = flow.along_axis(input.channels, input.shape, last);
  const std::vector<ChannelId> out = flow.fresh(node.shape.back());
  flow.bind_input("weight", 0, in);
  flow.bind_output("weight", 1, out);
  flow.reads(in);
  const Channels made = Channels::along(input.shape.size(), last, out);
  pin_single_elsewhere(node, made, last, flow);
  return made;
}

/// Channels along the leading axes alone, as heads that another layer made, decide how many
/// products there are; those of the other operand would have to go along.
void pin_leading(const Node& node, const Operand& x, ChannelFlow& flow) {
  if (x.channels.varies_along(x.rows()) || x.channels.varies_along(x.columns())) return;
  if (x.channels.ids.size() < 2) return;
  flow.pin(x.channels.ids, cat("counts the matrix products of '", node.name, "'"));
}

/// A product of two values sums over pairs along the inner axis, so a pair lives or dies together.
/// What is left are the rows of one operand or the columns of the other; an op whose output is told
/// apart by both, or that weights channels by something that has none, has no rule.
Channels channels_of_values(const Node& node,
                            const Operand& a,
                            const Operand& b,
                            ChannelFlow& flow) {
  pin_leading(node, a, flow);
  pin_leading(node, b, flow);
  const bool inner_a = a.channels.varies_along(a.columns());
  const bool inner_b = b.channels.varies_along(b.rows());
  const bool by_rows = a.channels.varies_along(a.rows());
  const bool by_columns = b.channels.varies_along(b.columns());
  const size_t rank = node.shape.size();
  if (inner_a != inner_b || (by_rows && by_columns)) {
    flow.pin(a.channels.ids, cat("mixed by the matrix product '", node.name, "'"));
    flow.pin(b.channels.ids, cat("mixed by the matrix product '", node.name, "'"));
    return Channels::uniform(rank, flow.fresh(1)[0]);
  }
  if (inner_a) {
    const std::vector<ChannelId> in = flow.along_axis(a.channels, a.shape, a.columns());
    flow.tie(in, flow.along_axis(b.channels, b.shape, b.rows()));
    flow.reads(in);
  }
  if (by_rows) {
    return Channels::along(rank, rank - 2, flow.along_axis(a.channels, a.shape, a.rows()));
  }
  if (by_columns) {
    return Channels::along(rank, rank - 1, flow.along_axis(b.channels, b.shape, b.columns()));
  }
  return Channels::uniform(rank, flow.fresh(1)[0]);
}

Channels mat_mul_channels(const Node& node,
                          std::span<const ValueChannels> inputs,
                          ChannelFlow& flow) {
  if (inputs.size() == 1) return channels_of_weight(node, inputs[0], flow);
  return channels_of_values(
      node, {inputs[0].shape, inputs[0].channels}, {inputs[1].shape, inputs[1].channels}, flow);
}

Work mat_mul_work(const Node& node, std::span<const Shape> inputs) {
  if (node.has_param("weight")) {
    return {.macs_per_pair = elements_per_position(node.shape, node.shape.size() - 1),
            .weights_per_pair = 1};
  }
  const auto inner = static_cast<double>(inputs[0].back());
  return {.product_macs = static_cast<double>(element_count(node.shape)) * inner};
}

}  // namespace

/// With a param 'weight' [I, O] a dense layer over the last axis; with a second input the product
/// of two values [N, ..., M, K] and [N, ..., K, O], as in attention.
constinit const OpDef kMatMul{
    .name = "MatMul",
    .min_inputs = 1,
    .max_inputs = 2,
    .slots = kSlots,
    .attributes = {},
    .infer_shape = mat_mul_shape,
    .channels = mat_mul_channels,
    .work = mat_mul_work,
    .resize = keep_attributes,
};

}  // namespace morph
