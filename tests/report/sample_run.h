#pragma once

#include <cstdint>

#include "morph/report/report.h"

namespace morph {

/// A finished run with every kind of entry: `layers` layers in residual stages, some pinned, some
/// removed, three networks besides the seed, three phases. All figures follow from the number of
/// layers, so two calls give equal runs.
RunReport sample_run(int64_t layers);

}  // namespace morph
