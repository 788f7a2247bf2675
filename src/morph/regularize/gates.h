#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "morph/analysis/channel_groups.h"
#include "morph/ir/graph.h"
#include "morph/nn/graph_module.h"

namespace morph {

struct RegularizerOptions;

/// One tensor of gates: position i decides about channel set `sets[i]`.
struct GateSite {
  NodeId node = {};
  std::string tensor = {};
  std::vector<ChannelId> sets = {};
};

/// What all gates of a network say, the sites end to end.
struct GateValues {
  at::Tensor size = {};    ///< r ≥ 0, [gates]: what the regularizer charges.
  at::Tensor judged = {};  ///< [gates]: what is compared with the threshold; undefined if it is r.
};

/// A kind of gate: what of a network's parameters says how much a channel is worth. All gates of
/// the network are read at once, in a number of tensor operations that does not depend on depth,
/// without making the host wait.
class Gates {
 public:
  virtual ~Gates() = default;

  const std::vector<GateSite>& sites() const { return sites_; }

  /// The gates as they are now. Differentiable in the parameters where gradients are recorded.
  virtual GateValues read() = 0;

  /// Adds Σ slopes · ∂r/∂θ into the .grad of the parameters θ, r being those of the last read().
  /// By default autograd does it, through a read() of its own.
  virtual void add_gradient(const at::Tensor& slopes);

  /// The gates by which a structure is chosen: read() unless that draws at random.
  virtual GateValues judge() { return read(); }

  /// r is the probability that a channel is there, so that tied gates may be combined to
  /// 1 − ∏ (1 − r).
  virtual bool is_probability() const { return false; }

  /// A channel at the threshold is alive.
  virtual bool includes_threshold() const { return false; }

  /// Whether step_towards_zero() is there.
  virtual bool has_proximal_step() const { return false; }

  /// Moves the parameters to the minimum of Σ amounts · r + |θ − θ_now|² / 2, where gates that are
  /// small enough are exactly 0. Called only where has_proximal_step().
  virtual void step_towards_zero(const at::Tensor& amounts);

 protected:
  explicit Gates(std::vector<GateSite> sites) : sites_(std::move(sites)) {}

 private:
  std::vector<GateSite> sites_;
};

/// What gates are made for. All of it outlives them.
struct GateContext {
  const GraphModule& module;
  const ChannelGroups& groups;
  const RegularizerOptions& options;
};

using MakeGates = std::function<std::unique_ptr<Gates>(const GateContext&)>;

/// The gates of the kind called `kind`. Throws Error listing the kinds, or saying what to do if the
/// network has no such gate on a channel that may be removed.
std::unique_ptr<Gates> make_gates(std::string_view kind, const GateContext& context);

/// The gates of that kind that a network has; none of them on channels that are all pinned.
std::vector<GateSite> find_gates(std::string_view kind,
                                 const Graph& graph,
                                 const ChannelGroups& groups);

/// By set: whether a gate of that kind decides about it, so that it may be removed.
std::vector<bool> gated_sets(const ChannelGroups& groups, const std::vector<GateSite>& sites);

/// The names that make_gates() knows.
std::vector<std::string> gate_kinds();

/// True if no channel among `ids` may be removed.
bool all_pinned(const ChannelGroups& groups, const std::vector<ChannelId>& ids);

}  // namespace morph
