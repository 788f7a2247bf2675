#pragma once

#include <vector>

#include "morph/report/report.h"

namespace morph {

/// How the gates of those sets that may be removed are spread, by NetworkRegularizer::set_values():
/// four intervals to a decade from 1e-4 to 10, and what is beyond on either side.
GateHistogram count_gates(const std::vector<double>& values, const std::vector<bool>& removable);

}  // namespace morph
