#include <algorithm>
#include <array>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/ops/op_def.h"

namespace morph {
namespace {

constexpr std::array kOps = {
#define MORPH_OP(name) &k##name,
#include "morph/ops/ops.def"
#undef MORPH_OP
};

}  // namespace

std::span<const OpDef* const> all_ops() { return kOps; }

const OpDef& op_def(std::string_view op) {
  const auto* it = std::find_if(
      kOps.begin(), kOps.end(), [op](const OpDef* candidate) { return candidate->name == op; });
  if (it != kOps.end()) return **it;
  std::vector<std::string> names;
  for (const OpDef* known : kOps) names.emplace_back(known->name);
  throw Error(cat("unknown op '", op, "'.", did_you_mean(op, names)));
}

}  // namespace morph
