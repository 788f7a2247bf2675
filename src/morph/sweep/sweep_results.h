#pragma once

#include <string>
#include <vector>

#include "morph/report/sweep.h"
#include "morph/sweep/sweep_point.h"

namespace morph {

/// Puts into `sweep` what the finished points have to show: rows, learned widths of the first seed,
/// the device. `costs` of `sweep` says which resources are counted beside FLOPs and parameters, on
/// the networks as they were written. Throws Error naming the file of a run that cannot be read.
SweepReport with_results(SweepReport sweep,
                         const SweepRequest& request,
                         const std::vector<SweepPoint>& points);

/// Writes results.json, results.csv, sweep.html and, for each resource, sweep-RESOURCE.svg into the
/// folder of the sweep.
void write_results(const SweepReport& sweep, const SweepRequest& request);

}  // namespace morph
