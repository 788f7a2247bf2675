#pragma once

#include <cstddef>
#include <cstdint>

#include "morph/zoo/families.h"

namespace morph::zoo {

/// The stride of unit `i` of a stage: 2 in the first unit of every stage but the first, or, if the
/// choice "stride" is "last", in the last unit of every stage but the last.
inline int64_t unit_stride(const ResnetSpec& spec,
                           const Options& options,
                           size_t stage,
                           int64_t i) {
  const bool halves = options.chosen("stride") == "last"
                          ? stage + 1 < spec.units.size() && i + 1 == spec.units[stage]
                          : stage > 0 && i == 0;
  return halves ? 2 : 1;
}

/// True where the shortcut of unit `i` of a stage changes the number of channels.
inline bool unit_projects(const ResnetSpec& spec, size_t stage, int64_t i) {
  return i == 0 && (stage > 0 || spec.is_bottleneck);
}

}  // namespace morph::zoo
