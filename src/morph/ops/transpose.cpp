#include "morph/ops/transpose.h"

#include <algorithm>
#include <numeric>

#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

constexpr std::array<std::string_view, 1> kAttributes = {"perm"};

Shape transpose_shape(const Node& node, std::span<const Shape> inputs) {
  Shape shape;
  for (const int64_t axis : transpose_perm(node, inputs[0].size())) {
    shape.push_back(inputs[0][static_cast<size_t>(axis)]);
  }
  return shape;
}

Channels transpose_channels(const Node& node,
                            std::span<const ValueChannels> inputs,
                            ChannelFlow& flow) {
  const auto& [shape, channels] = inputs[0];
  const std::vector<int64_t> perm = transpose_perm(node, shape.size());
  if (shape.size() > 1 && shape[1] == 1) {
    const auto moved_to = std::find(perm.begin(), perm.end(), 1) - perm.begin();
    pin_single_elsewhere(node, channels, static_cast<size_t>(moved_to), flow);
  }
  return permuted(channels, perm);
}

}  // namespace

std::vector<int64_t> transpose_perm(const Node& node, size_t rank) {
  std::vector<int64_t> identity(rank);
  std::iota(identity.begin(), identity.end(), 0);
  std::vector<int64_t> perm = node.ints("perm", {identity.rbegin(), identity.rend()});
  if (!std::is_permutation(perm.begin(), perm.end(), identity.begin(), identity.end())) {
    throw Error(cat(node.label(),
                    " attribute 'perm' must name each of the ",
                    rank,
                    " axes once, got ",
                    format_shape(perm)));
  }
  if (perm[0] != 0) {
    throw Error(cat(node.label(),
                    " attribute 'perm' must leave axis 0, the batch, in place, got ",
                    format_shape(perm)));
  }
  return perm;
}

constinit const OpDef kTranspose{
    .name = "Transpose",
    .min_inputs = 1,
    .max_inputs = 1,
    .slots = {},
    .attributes = kAttributes,
    .infer_shape = transpose_shape,
    .channels = transpose_channels,
    .work = uncounted_work,
    .resize = keep_attributes,
};

}  // namespace morph
