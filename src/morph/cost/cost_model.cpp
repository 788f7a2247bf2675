#include "morph/cost/cost_model.h"

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cost/activation_memory.h"
#include "morph/cost/activations.h"
#include "morph/cost/channels.h"
#include "morph/cost/flops.h"
#include "morph/cost/latency.h"
#include "morph/cost/memory.h"
#include "morph/cost/params.h"
#include "morph/cost/weights.h"

namespace morph {
namespace {

template <typename Model>
std::unique_ptr<CostModel> make(const CostOptions& options) {
  return std::make_unique<Model>(options);
}

struct CostEntry {
  std::string_view name;
  std::unique_ptr<CostModel> (*make)(const CostOptions& options);
};

constexpr CostEntry kCosts[] = {
    {"flops", make<Flops>},
    {"params", make<ParamCount>},
    {"weights", make<Weights>},
    {"activations", make<Activations>},
    {"channels", make<ChannelCount>},
    {"memory", make<Memory>},
    {"activation-memory", make<ActivationMemory>},
};

constexpr std::string_view kLatency = "latency:";

/// Whether a part of a list of costs goes on with the device of the cost in front of it.
bool continues_device(const std::vector<std::string>& costs, std::string_view part) {
  const auto begins = [](std::string_view text, std::string_view with) {
    return text.substr(0, with.size()) == with;
  };
  return !costs.empty() && begins(costs.back(), kLatency) &&
         (begins(part, "peak=") || begins(part, "bandwidth="));
}

}  // namespace

BilinearForm BilinearForm::scaled(double factor) const {
  return {.pair = factor * pair,
          .per_in = factor * per_in,
          .per_out = factor * per_out,
          .fixed = factor * fixed,
          .slope_in = factor * slope_in};
}

Compat parse_compat(std::string_view name) {
  if (name == "none") return Compat::kNone;
  if (name == "morph-net") return Compat::kMorphNet;
  throw Error(cat("--compat '", name, "' is unknown; there are none and morph-net"));
}

CostModel::CostModel(const CostOptions& options) : options_(options) {
  if (options.batch_size < 1) {
    throw Error(cat("batch size: expected 1 or more, got ", options.batch_size));
  }
  if (options.element_bytes < 1) {
    throw Error(cat("element size: expected 1 byte or more, got ", options.element_bytes));
  }
}

std::unique_ptr<CostModel> make_cost_model(std::string_view name, const CostOptions& options) {
  for (const CostEntry& entry : kCosts) {
    if (entry.name == name) return entry.make(options);
  }
  if (name.substr(0, kLatency.size()) == kLatency) {
    const std::string_view device = name.substr(kLatency.size());
    return std::make_unique<Latency>(device, find_device(device), options);
  }
  std::vector<std::string> known = cost_model_names();
  known.push_back(cat(kLatency, "DEVICE"));
  throw Error(
      cat("unknown cost '", name, "'; known: ", join(known, ", "), ".", did_you_mean(name, known)));
}

std::vector<std::string> cost_model_names() {
  std::vector<std::string> names;
  for (const CostEntry& entry : kCosts) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> default_cost_names() { return {"flops", "params", "activations"}; }

std::vector<std::string> split_cost_names(std::string_view text) {
  std::vector<std::string> costs;
  for (const std::string& part : split(text, ',')) {
    if (continues_device(costs, part)) {
      costs.back() += cat(",", part);
    } else {
      costs.emplace_back(trim(part));
    }
    if (costs.back().empty()) throw Error(cat("costs '", text, "': an entry is empty"));
  }
  return costs;
}

}  // namespace morph
