#include "morph/regularize/gates.h"

#include <algorithm>
#include <array>

#include <ATen/core/grad_mode.h>

#include "morph/analysis/coverage.h"
#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/regularize/gamma_gates.h"
#include "morph/regularize/group_lasso_gates.h"
#include "morph/regularize/logistic_gates.h"

namespace morph {
namespace {

struct GateKind {
  std::string_view name;
  std::vector<GateSite> (*find)(const Graph& graph, const ChannelGroups& groups);
  std::unique_ptr<Gates> (*make)(const GateContext& context);
};

constexpr std::array kKinds = {
    GateKind{"gamma", find_gamma_gates, make_gamma_gates},
    GateKind{"group-lasso", find_group_lasso_gates, make_group_lasso_gates},
    GateKind{"logistic-sigmoid", find_logistic_gates, make_logistic_gates},
};

const GateKind& find_kind(std::string_view name) {
  const auto it = std::ranges::find(kKinds, name, &GateKind::name);
  if (it != kKinds.end()) return *it;
  const std::vector<std::string> known = gate_kinds();
  throw Error(cat("unknown kind of gate '",
                  name,
                  "': expected ",
                  join(known, ", "),
                  ".",
                  did_you_mean(name, known)));
}

}  // namespace

void Gates::add_gradient(const at::Tensor& slopes) {
  const at::AutoGradMode record(true);
  read().size.backward(slopes);
}

void Gates::step_towards_zero(const at::Tensor&) {
  throw InternalError("this kind of gate has no proximal step");
}

std::unique_ptr<Gates> make_gates(std::string_view kind, const GateContext& context) {
  const GateKind& entry = find_kind(kind);
  const Graph& graph = context.module.graph();
  require_prunable(
      graph, context.groups, gated_sets(context.groups, entry.find(graph, context.groups)), kind);
  return entry.make(context);
}

std::vector<GateSite> find_gates(std::string_view kind,
                                 const Graph& graph,
                                 const ChannelGroups& groups) {
  return find_kind(kind).find(graph, groups);
}

std::vector<bool> gated_sets(const ChannelGroups& groups, const std::vector<GateSite>& sites) {
  std::vector<bool> gated(static_cast<size_t>(groups.set_count()), false);
  for (const GateSite& site : sites) {
    for (const ChannelId set : site.sets) {
      gated[static_cast<size_t>(set)] = !groups.pinned(set).has_value();
    }
  }
  return gated;
}

std::vector<std::string> gate_kinds() {
  std::vector<std::string> names;
  for (const GateKind& kind : kKinds) names.emplace_back(kind.name);
  return names;
}

bool all_pinned(const ChannelGroups& groups, const std::vector<ChannelId>& ids) {
  return std::ranges::all_of(ids, [&](ChannelId set) { return groups.pinned(set).has_value(); });
}

}  // namespace morph
