#include "morph/ops/filters.h"

#include "morph/base/error.h"
#include "morph/ops/rules.h"

namespace morph {
namespace {

const Shape& weight_shape(const Node& node, const char* expected) {
  const Shape& weight = node.params.at("weight").shape;
  if (weight.size() < 3 || weight.size() > 5) {
    throw Error(cat(node.label(),
                    " expected a weight ",
                    expected,
                    " of rank 3 to 5, got ",
                    format_shape(weight)));
  }
  return weight;
}

int64_t group_count(const Node& node, int64_t divided, const char* of_what) {
  const int64_t groups = node.integer("group", 1);
  if (groups < 1 || divided % groups != 0) {
    throw Error(cat(node.label(), " group = ", groups, " must divide ", divided, " ", of_what));
  }
  return groups;
}

std::vector<int64_t> kernel_of(const Node& node, const Shape& weight) {
  std::vector<int64_t> kernel(weight.begin() + 2, weight.end());
  if (node.ints("kernel_shape", kernel) != kernel) {
    throw Error(cat(node.label(),
                    " attribute 'kernel_shape' must be that of the weight, ",
                    format_shape(kernel)));
  }
  return kernel;
}

}  // namespace

Filters conv_filters(const Node& node) {
  const Shape& weight = weight_shape(node, "[O, I/group, kernel...]");
  const int64_t groups = group_count(node, weight[0], "outputs");
  return {.inputs = weight[1] * groups,
          .outputs = weight[0],
          .groups = groups,
          .kernel = kernel_of(node, weight)};
}

Filters transposed_filters(const Node& node) {
  const Shape& weight = weight_shape(node, "[I, O/group, kernel...]");
  const int64_t groups = group_count(node, weight[0], "inputs");
  return {.inputs = weight[0],
          .outputs = weight[1] * groups,
          .groups = groups,
          .kernel = kernel_of(node, weight)};
}

void check_filtered(const Node& node, const Filters& filters, const Shape& input) {
  check_rank(node, input, filters.kernel.size() + 2, filters.kernel.size() + 2);
  if (input[1] != filters.inputs) {
    throw Error(cat(node.label(),
                    " a weight of shape ",
                    format_shape(node.params.at("weight").shape),
                    " with group = ",
                    filters.groups,
                    " does not fit an input of shape ",
                    format_shape(input)));
  }
  check_param(node, "bias", {filters.outputs});
}

void tie_groups(const std::vector<ChannelId>& ids, int64_t groups, ChannelFlow& flow) {
  const size_t size = ids.size() / static_cast<size_t>(groups);
  for (size_t i = size; i < ids.size(); ++i) flow.tie(ids[i % size], ids[i]);
}

std::vector<ChannelId> each_repeated(const std::vector<ChannelId>& ids, int64_t times) {
  std::vector<ChannelId> result;
  for (const ChannelId id : ids) result.insert(result.end(), static_cast<size_t>(times), id);
  return result;
}

Work filters_work(const Node& node, const Filters& filters, double places) {
  const auto kernel = static_cast<double>(element_count(filters.kernel));
  const auto groups = static_cast<double>(filters.groups);
  Work work{.offsets_per_output = node.has_param("bias") ? 1.0 : 0.0};
  if (filters.is_depthwise()) {
    work.macs_per_output = kernel * places;
    work.weights_per_output = kernel;
  } else {
    work.macs_per_pair = kernel * places / groups;
    work.weights_per_pair = kernel / groups;
  }
  return work;
}

}  // namespace morph
