#include "morph/cost/cost_model.h"

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cost/activations.h"
#include "morph/cost/flops.h"
#include "morph/cost/params.h"

namespace morph {
namespace {

template <typename Model>
std::unique_ptr<CostModel> make() {
  return std::make_unique<Model>();
}

struct CostEntry {
  std::string_view name;
  std::unique_ptr<CostModel> (*make)();
};

constexpr CostEntry kCosts[] = {
    {"flops", make<Flops>},
    {"params", make<ParamCount>},
    {"activations", make<Activations>},
};

}  // namespace

std::unique_ptr<CostModel> make_cost_model(std::string_view name) {
  for (const CostEntry& entry : kCosts) {
    if (entry.name == name) return entry.make();
  }
  const std::vector<std::string> known = cost_model_names();
  throw Error(
      cat("unknown cost '", name, "'; known: ", join(known, ", "), ".", did_you_mean(name, known)));
}

std::vector<std::string> cost_model_names() {
  std::vector<std::string> names;
  for (const CostEntry& entry : kCosts) names.emplace_back(entry.name);
  return names;
}

}  // namespace morph
