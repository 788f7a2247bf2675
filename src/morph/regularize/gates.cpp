#include "morph/regularize/gates.h"

#include <algorithm>
#include <array>

#include <ATen/core/grad_mode.h>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/regularize/gamma_gates.h"
#include "morph/regularize/group_lasso_gates.h"

namespace morph {
namespace {

struct GateKind {
  std::string_view name;
  std::unique_ptr<Gates> (*make)(const GateContext& context);
};

constexpr std::array kKinds = {
    GateKind{"gamma", make_gamma_gates},
    GateKind{"group-lasso", make_group_lasso_gates},
};

}  // namespace

void Gates::add_gradient(const at::Tensor& slopes) {
  const at::AutoGradMode record(true);
  read().size.backward(slopes);
}

void Gates::step_towards_zero(const at::Tensor&) {
  throw InternalError("this kind of gate has no proximal step");
}

std::unique_ptr<Gates> make_gates(std::string_view kind, const GateContext& context) {
  const auto it = std::ranges::find(kKinds, kind, &GateKind::name);
  if (it != kKinds.end()) return it->make(context);
  throw Error(cat("unknown kind of gate '",
                  kind,
                  "': expected gamma, group-lasso or logistic-sigmoid.",
                  did_you_mean(kind, gate_kinds())));
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
