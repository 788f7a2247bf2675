#include "morph/cli/gate_arguments.h"

#include <cmath>

#include <ATen/core/Tensor.h>
#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph {

void GateArguments::add_to(CLI::App& command) {
  const char* group = "Gates";
  CLI::Option* gate =
      command
          .add_option(
              "--gate", kind, cat("Read the network's own gates: ", join(gate_kinds(), ", ")))
          ->type_name("KIND")
          ->group(group);
  CLI::Option* level =
      command.add_option("--threshold", threshold, "A channel is alive while its gate is above it")
          ->needs(gate)
          ->group(group);
  gate->needs(level);
  command
      .add_option("--l1-fraction",
                  l1_fraction,
                  "Of group-lasso: the share of the mean absolute weight, 0 to 1")
      ->needs(gate)
      ->group(group);
}

RegularizerOptions GateArguments::options() const {
  if (!(threshold >= 0) || !std::isfinite(threshold)) {
    throw Error(cat("--threshold: expected a number of 0 or more, got ", threshold));
  }
  return {.threshold = threshold, .gate = kind, .l1_fraction = l1_fraction};
}

Params in_double(const Params& params) {
  Params result;
  for (const auto& [name, tensor] : params) {
    result[name] = tensor.is_floating_point() ? tensor.detach().to(at::kDouble) : tensor;
  }
  return result;
}

}  // namespace morph
