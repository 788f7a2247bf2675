#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/ir/graph.h"
#include "morph/nn/params.h"

namespace morph {

/// Copies of the tensors on the CPU, in double precision.
Params to_double(const Params& params);

/// Two random examples for each input of a graph, the same ones for the same shapes; double.
std::vector<at::Tensor> sample_inputs(const Graph& graph);

/// What a network returns for them in eval mode and double precision.
std::vector<at::Tensor> sample_outputs(const Graph& graph, const Params& params);

/// max |actual − expected| / max |expected| over several tensors; absolute if all expected are 0,
/// infinite if something actual is not a number. Throws Error if what is expected is not finite.
double relative_difference(const std::vector<at::Tensor>& expected,
                           const std::vector<at::Tensor>& actual);

}  // namespace morph
