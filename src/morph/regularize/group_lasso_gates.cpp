#include "morph/regularize/group_lasso_gates.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/where.h>

#include "morph/base/error.h"
#include "morph/regularize/regularizer_options.h"
#include "morph/regularize/weight_rows.h"

namespace morph {
namespace {

constexpr const char* kWeight = "weight";

/// The axis of the weight that carries the output channels of a node that makes them, mixing what
/// it reads.
std::optional<size_t> output_axis(const Graph& graph, const ChannelGroups& groups, NodeId id) {
  if (groups.notes(id).reads.empty() || !graph[id].has_param(kWeight)) return std::nullopt;
  for (const ParamChannels& param : groups.notes(id).params) {
    if (param.of_output && param.slot == kWeight) return param.axis;
  }
  return std::nullopt;
}

WeightRows rows_of(const at::Tensor& weight, size_t axis, size_t channels) {
  WeightRows rows{.size = weight.numel(),
                  .stride = weight.stride(static_cast<int64_t>(axis)),
                  .extent = weight.size(static_cast<int64_t>(axis))};
  rows.groups = static_cast<int64_t>(channels) / rows.extent;
  rows.group_stride = weight.stride(0) * (weight.size(0) / rows.groups);
  return rows;
}

/// √x with slope 0 at 0.
at::Tensor safe_sqrt(const at::Tensor& x) {
  if (!at::GradMode::is_enabled()) return x.sqrt();
  const at::Tensor is_positive = x.gt(0);
  return at::where(is_positive, at::where(is_positive, x, 1.0).sqrt(), 0.0);
}

/// 1 / x, but 0 where x is 0.
at::Tensor safe_inverse(const at::Tensor& x) { return at::where(x.gt(0), x.reciprocal(), 0.0); }

class GroupLassoGates final : public Gates {
 public:
  GroupLassoGates(const GraphModule& module,
                  const ChannelGroups& groups,
                  std::vector<GateSite> sites,
                  double l1_fraction)
      : Gates(std::move(sites)), l1_fraction_(l1_fraction), span_(weights(module, this->sites())) {
    for (const GateSite& site : this->sites()) {
      axes_.push_back(*output_axis(module.graph(), groups, site.node));
    }
  }

  GateValues read() override {
    const std::optional<ParameterSpan::InPlace> place =
        at::GradMode::is_enabled() ? std::nullopt : span_.in_place();
    offsets_ = place ? place->offsets : span_.joined_offsets();
    weights_ = place ? place->values : span_.joined();
    return {.size = sizes(weights_)};
  }

  void add_gradient(const at::Tensor& slopes) override {
    const at::NoGradGuard no_grad;
    const RowSums& rows = *rows_;
    const at::Tensor per_weight = slopes / rows.counts();
    const at::Tensor factor =
        rows.spread(per_weight * safe_inverse(root_mean_square_) * (1 - l1_fraction_), 0);
    const at::Tensor signs_factor =
        l1_fraction_ > 0 ? rows.spread(per_weight * l1_fraction_, 0) : at::Tensor();
    const std::optional<at::Tensor> grads = span_.grads_in_place();
    if (grads && grads->numel() == weights_.numel() && span_.in_place()->offsets == offsets_) {
      grads->addcmul_(factor, weights_);
      if (l1_fraction_ > 0) grads->addcmul_(signs_factor, weights_.sign());
      return;
    }
    at::Tensor gradient = factor * weights_.detach();
    if (l1_fraction_ > 0) gradient.addcmul_(signs_factor, weights_.detach().sign());
    span_.add_to_grads(gradient, offsets_);
  }

  bool has_proximal_step() const override { return true; }

  void step_towards_zero(const at::Tensor& amounts) override {
    const at::NoGradGuard no_grad;
    read();
    const at::Tensor per_weight = amounts / rows_->counts();
    at::Tensor left = weights_;
    if (l1_fraction_ > 0) {
      const at::Tensor taken = rows_->spread(per_weight * l1_fraction_, 0);
      left = left.sign().mul_(left.abs().sub_(taken).clamp_min_(0));
      sizes(left);
    }
    const at::Tensor shrunk = 1 - per_weight * (1 - l1_fraction_) * safe_inverse(root_mean_square_);
    span_.set_values(left * rows_->spread(shrunk.clamp_min(0), 1), offsets_);
  }

 private:
  static std::vector<at::Tensor> weights(const GraphModule& module,
                                         const std::vector<GateSite>& sites) {
    std::vector<at::Tensor> tensors;
    for (const GateSite& site : sites) tensors.push_back(module.params().at(site.tensor));
    return tensors;
  }

  /// r of each gate, for elements laid out by offsets_; keeps the first of its two parts.
  at::Tensor sizes(const at::Tensor& elements) {
    arrange(elements);
    const auto mean = [&](const at::Tensor& values) {
      return rows_->sum(values) / rows_->counts();
    };
    const at::Tensor root = safe_sqrt(mean(elements * elements));
    root_mean_square_ = root.detach();
    if (l1_fraction_ == 0) return root;
    return root * (1 - l1_fraction_) + mean(elements.abs()) * l1_fraction_;
  }

  /// The tables of where rows are, made anew when weights have moved or changed their memory order.
  void arrange(const at::Tensor& elements) {
    std::vector<WeightRows> rows;
    int64_t gates = 0;
    for (size_t i = 0; i < sites().size(); ++i) {
      rows.push_back(rows_of(span_.tensors()[i], axes_[i], sites()[i].sets.size()));
      rows.back().first_gate = gates;
      gates += rows.back().gates();
    }
    if (rows_ && rows == arranged_rows_ && offsets_ == arranged_offsets_ &&
        elements.numel() == arranged_extent_) {
      return;
    }
    const at::NoGradGuard no_grad;
    rows_.emplace(rows, offsets_, elements.numel(), elements);
    arranged_rows_ = std::move(rows);
    arranged_offsets_ = offsets_;
    arranged_extent_ = elements.numel();
  }

  double l1_fraction_;
  ParameterSpan span_;
  std::vector<size_t> axes_;  // By site: the weight's axis of output channels.

  // Of the last read().
  at::Tensor weights_;
  ParameterSpan::Offsets offsets_;
  at::Tensor root_mean_square_;

  std::optional<RowSums> rows_;
  std::vector<WeightRows> arranged_rows_;
  ParameterSpan::Offsets arranged_offsets_;
  int64_t arranged_extent_ = 0;
};

}  // namespace

std::vector<GateSite> find_group_lasso_gates(const Graph& graph, const ChannelGroups& groups) {
  std::vector<GateSite> sites;
  std::set<std::string> seen;
  for (const NodeId id : graph.ids()) {
    if (!output_axis(graph, groups, id)) continue;
    const std::vector<ChannelId>& made = groups.channels(id).ids;
    const std::string& tensor = graph[id].params.at(kWeight).tensor;
    if (all_pinned(groups, made) || !seen.insert(tensor).second) continue;
    sites.push_back({.node = id, .tensor = tensor, .sets = made});
  }
  return sites;
}

std::unique_ptr<Gates> make_group_lasso_gates(const GateContext& context) {
  const double fraction = context.options.l1_fraction;
  if (!(fraction >= 0 && fraction <= 1)) {
    throw Error(cat("l1_fraction must lie in [0, 1], got ", fraction));
  }
  return std::make_unique<GroupLassoGates>(
      context.module,
      context.groups,
      find_group_lasso_gates(context.module.graph(), context.groups),
      fraction);
}

}  // namespace morph
