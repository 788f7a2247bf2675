#pragma once

#include "morph/report/sweep.h"

namespace morph {

/// A sweep of one network by two methods, with a point that failed; the figures are made up.
SweepReport sample_sweep();

}  // namespace morph
