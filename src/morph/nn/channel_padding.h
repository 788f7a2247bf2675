#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/ir/graph.h"
#include "morph/nn/params.h"

namespace morph {

/// A network with channels of zeros beside its own, so that its widths are multiples of what the
/// hardware likes: matrix units take bfloat16 channels by eights, and libraries pad the operands of
/// every convolution of another width. The padded graph computes what the graph does, as long as
/// the weights of what was added are zero.
class ChannelPadding {
 public:
  /// How to pad widths to multiples of `multiple`, at least 1. Nothing where pad_channels() finds
  /// nothing, and where a run of both networks with `params` on random inputs differs or is not
  /// finite: it differs where an op reads across channels without weights (a sum over them) what is
  /// not zero although its weights are (a Sigmoid made it 1/2).
  static std::optional<ChannelPadding> find(const Graph& graph,
                                            const Params& params,
                                            int64_t multiple);

  /// The padded graph; nodes and tensors have the names they had.
  const Graph& graph() const { return graph_; }

  /// The tensor called `name`, or one laid out alike (a gradient, a mask), in the padded network's
  /// shape, 0 where a channel was added. Copies, on the same device.
  at::Tensor pad(const std::string& name, const at::Tensor& tensor) const;
  Params pad(const Params& params) const;

  /// The inverse of pad().
  at::Tensor unpad(const std::string& name, const at::Tensor& tensor) const;

 private:
  ChannelPadding() = default;

  /// Of one axis of a tensor, where each old position is now.
  struct Axis {
    int64_t axis = 0;
    int64_t extent = 0;  // Of the padded tensor.
    std::vector<int64_t> positions = {};
  };

  Graph graph_;
  std::map<std::string, std::vector<Axis>> axes_;  // By tensor; those that are padded.
};

}  // namespace morph
