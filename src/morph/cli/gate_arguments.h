#pragma once

#include <string>

#include "morph/nn/params.h"
#include "morph/regularize/regularizer_options.h"

namespace CLI {
class App;
}

namespace morph {

/// The arguments --gate, --threshold and --l1-fraction of commands that read a network's gates.
struct GateArguments {
  std::string kind = {};  ///< One of gate_kinds(); "" if gates are not to be read.
  double threshold = 0;
  double l1_fraction = 0;

  void add_to(CLI::App& command);

  bool are_given() const { return !kind.empty(); }

  /// Throws Error for numbers that make no sense.
  RegularizerOptions options() const;
};

/// Weights in which gates are read to double precision.
Params in_double(const Params& params);

}  // namespace morph
