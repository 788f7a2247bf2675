#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <ATen/core/Tensor.h>

#include "morph/ir/graph.h"
#include "morph/transform/rewrite.h"

namespace morph {

/// The values of a network's tensors by name: weights and running statistics.
using Params = std::map<std::string, at::Tensor>;

/// Fresh values for every tensor of `graph`, as PyTorch users expect of a network with ReLU:
/// convolutions from Kaiming's normal distribution, N(0, 2 / fan_out) (He et al. 2015) with the
/// fan-out of one group, O / groups · kernel size, and bias 0; dense layers uniform in ±1/√fan_in,
/// bias too; BN scale 1, shift 0, running mean 0 and variance 1. A function of the seed and the
/// tensor's name and shape alone, not of LibTorch's version. float32, on the CPU.
Params initial_params(const Graph& graph, uint64_t seed);

/// Throws Error naming the tensor if one that `graph` needs is missing, has another shape, or
/// is not of a floating type.
void check_params(const Graph& graph, const Params& params);

/// A few letters that differ if a name or a value does.
std::string fingerprint(const Params& params);

/// Makes the tensors of a rewritten graph by cutting them out of the old ones. Copies, on the same
/// device; needs no gradient.
Params apply(const SlicePlan& plan, const Params& params);

}  // namespace morph
