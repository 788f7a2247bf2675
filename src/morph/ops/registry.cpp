#include <algorithm>
#include <vector>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/ops/op_def.h"
#include "morph/ops/opaque.h"
#include "morph/ops/recurrent.h"

namespace morph {
namespace {

/// The list, and what is declared in a header of its own.
std::vector<const OpDef*> sorted_ops() {
  std::vector<const OpDef*> ops = {
#define MORPH_OP(name) &k##name,
#include "morph/ops/ops.def"
#undef MORPH_OP
      &kGRU,
      &kLSTM,
      &kOpaque,
      &kRNN,
  };
  std::ranges::sort(ops, {}, [](const OpDef* op) { return op->name; });
  return ops;
}

}  // namespace

std::span<const OpDef* const> all_ops() {
  static const std::vector<const OpDef*> ops = sorted_ops();
  return ops;
}

const OpDef& op_def(std::string_view op) {
  const auto known_ops = all_ops();
  const auto it = std::ranges::lower_bound(
      known_ops, op, {}, [](const OpDef* candidate) { return candidate->name; });
  if (it != known_ops.end() && (*it)->name == op) return **it;
  std::vector<std::string> names;
  for (const OpDef* known : known_ops) names.emplace_back(known->name);
  throw Error(cat("unknown op '", op, "'.", did_you_mean(op, names)));
}

}  // namespace morph
