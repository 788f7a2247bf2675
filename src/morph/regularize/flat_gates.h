#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/regularize/gates.h"
#include "morph/regularize/parameter_span.h"

namespace morph {

/// The sites of gates that are parameters themselves: `slot_of` names a node's slot of gates, or
/// "". Sites whose channels are all pinned are left out; a shared tensor is listed once.
std::vector<GateSite> find_gate_sites(const Graph& graph,
                                      const ChannelGroups& groups,
                                      const std::function<std::string_view(NodeId)>& slot_of);

/// Parameters with one number for each gate, as one vector [gates].
class FlatGates {
 public:
  FlatGates(const GraphModule& module, const std::vector<GateSite>& sites);

  /// Differentiable where gradients are recorded; without them possibly a view of the parameters.
  at::Tensor values() const;
  void set_values(const at::Tensor& values);
  void add_to_grads(const at::Tensor& part);

  int64_t size() const { return span_.size(); }

 private:
  /// The gates' positions in a buffer that also holds other things; nothing if it holds only them.
  std::optional<at::Tensor> positions(const ParameterSpan::InPlace& place) const;

  ParameterSpan span_;
  mutable ParameterSpan::Offsets known_offsets_;
  mutable at::Tensor known_positions_;
};

}  // namespace morph
