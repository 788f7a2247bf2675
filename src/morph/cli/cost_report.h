#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "morph/checkpoint/network_file.h"
#include "morph/cli/gate_arguments.h"
#include "morph/cost/cost_model.h"

namespace morph {

/// What a network or a node costs, and with gates what of it is alive.
struct CostFigures {
  double total = 0;
  double alive = 0;
  double term = 0;  ///< What the regularizer charges, without strength.
};

/// One node that costs something.
struct CostLine {
  std::string name = {};
  std::string op = {};
  size_t in = 0;
  size_t out = 0;
  size_t alive = 0;                       ///< Of `out`.
  std::vector<CostFigures> figures = {};  ///< In the order of the report's costs.
};

/// What a network costs, by node and in whole.
struct CostReport {
  std::vector<std::string> names = {};  ///< Of the costs, in the order they were asked for.
  std::vector<std::string> units = {};
  std::vector<CostFigures> totals = {};
  /// With gates, for each cost: by the name of the node that holds gates, Σ |∂term/∂gate|.
  std::vector<std::map<std::string, double>> slopes = {};
  std::vector<CostLine> lines = {};
};

/// What to count.
struct CostQuestion {
  std::vector<std::string> costs = {};
  CostOptions options = {};
  GateArguments gates = {};  ///< If given, the network's own gates say what is alive …
  ChannelScope scope = {};   ///< … in this part of it.
};

/// Throws Error for unknown costs, and with gates if the network has no weights or none of the
/// kind.
CostReport report_costs(const Network& network, const CostQuestion& question);

}  // namespace morph
