#include "morph/regularize/flat_gates.h"

#include <numeric>
#include <set>
#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>

namespace morph {
namespace {

std::vector<at::Tensor> gate_tensors(const GraphModule& module,
                                     const std::vector<GateSite>& sites) {
  std::vector<at::Tensor> tensors;
  for (const GateSite& site : sites) tensors.push_back(module.params().at(site.tensor));
  return tensors;
}

}  // namespace

std::vector<GateSite> find_gate_sites(const Graph& graph,
                                      const ChannelGroups& groups,
                                      const std::function<std::string_view(NodeId)>& slot_of) {
  std::vector<GateSite> sites;
  std::set<std::string> seen;
  for (const NodeId id : graph.ids()) {
    const std::string_view slot = slot_of(id);
    if (slot.empty()) continue;
    for (const ParamChannels& param : groups.notes(id).params) {
      const std::string& tensor = graph[id].params.at(param.slot).tensor;
      if (param.slot != slot || all_pinned(groups, param.ids)) continue;
      if (seen.insert(tensor).second) {
        sites.push_back({.node = id, .tensor = tensor, .sets = param.ids});
      }
    }
  }
  return sites;
}

FlatGates::FlatGates(const GraphModule& module, const std::vector<GateSite>& sites)
    : span_(gate_tensors(module, sites)) {}

std::optional<at::Tensor> FlatGates::positions(const ParameterSpan::InPlace& place) const {
  if (place.offsets == span_.joined_offsets() && place.values.numel() == span_.size()) {
    return std::nullopt;
  }
  if (place.offsets != known_offsets_) {
    std::vector<int64_t> positions(static_cast<size_t>(span_.size()));
    for (size_t i = 0; i < place.offsets.size(); ++i) {
      const auto begin = positions.begin() + span_.joined_offsets()[i];
      std::iota(begin, begin + span_.tensors()[i].numel(), place.offsets[i]);
    }
    known_positions_ = at::tensor(positions, at::kLong).to(place.values.device());
    known_offsets_ = place.offsets;
  }
  return known_positions_;
}

at::Tensor FlatGates::values() const {
  if (at::GradMode::is_enabled()) return span_.joined();
  const std::optional<ParameterSpan::InPlace> place = span_.in_place();
  if (!place) return span_.joined();
  const std::optional<at::Tensor> gathered = positions(*place);
  return gathered ? place->values.index_select(0, *gathered) : place->values;
}

void FlatGates::set_values(const at::Tensor& values) {
  const at::NoGradGuard no_grad;
  if (std::optional<ParameterSpan::InPlace> place = span_.in_place()) {
    const std::optional<at::Tensor> scattered = positions(*place);
    scattered ? place->values.index_copy_(0, *scattered, values) : place->values.copy_(values);
    return;
  }
  for (size_t i = 0; i < span_.tensors().size(); ++i) {
    const at::Tensor& tensor = span_.tensors()[i];
    tensor.copy_(values.narrow(0, span_.joined_offsets()[i], tensor.numel()));
  }
}

void FlatGates::add_to_grads(const at::Tensor& part) {
  const at::NoGradGuard no_grad;
  std::optional<at::Tensor> grads = span_.grads_in_place();
  if (!grads) return span_.add_to_grads(part, span_.joined_offsets());
  const std::optional<at::Tensor> scattered = positions(*span_.in_place());
  scattered ? grads->index_add_(0, *scattered, part) : grads->add_(part);
}

}  // namespace morph
