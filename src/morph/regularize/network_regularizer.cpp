#include "morph/regularize/network_regularizer.h"

#include <algorithm>
#include <map>
#include <optional>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "morph/base/error.h"
#include "morph/cost/network_cost.h"

namespace morph {

/// The structure of the network as tensors on its device. K costs, F forms, N nodes that cost
/// something, B blocks, S sets, G gates.
struct NetworkRegularizer::Tables {
  at::Tensor set_of_gate;   // Long [G].
  at::Tensor block_of_set;  // Long [S].
  at::Tensor kept;          // Bool [S]: alive whatever the gates say.
  at::Tensor charged;       // Double [S]: 1 if the set is regularised, else 0.
  at::Tensor incidence;  // Double [2N, B]: positions of each block read, then made, by each node.
  at::Tensor pair;       // Double [K, F, N], like the next three: the coefficients of the forms.
  at::Tensor per_in;
  at::Tensor per_out;
  at::Tensor fixed;
  at::Tensor strengths;  // Double [K].
};

namespace {

template <typename T>
at::Tensor to_device(const std::vector<T>& values, at::IntArrayRef shape, c10::Device device) {
  return at::tensor(values).reshape(shape).to(device);
}

std::vector<CostTable> make_tables(const Graph& graph,
                                   const ChannelBlocks& blocks,
                                   const std::vector<std::string>& costs) {
  std::vector<CostTable> tables;
  for (const std::string& name : costs) {
    tables.push_back(make_cost_table(graph, blocks, *make_cost_model(name)));
  }
  return tables;
}

/// The nodes that cost something in any of the tables, numbered.
std::map<NodeId, size_t> costly_nodes(const std::vector<CostTable>& tables) {
  std::map<NodeId, size_t> nodes;
  for (const CostTable& table : tables) {
    for (const CostTable::Row& row : table.rows) nodes.emplace(row.node, 0);
  }
  size_t number = 0;
  for (auto& [node, i] : nodes) i = number++;
  return nodes;
}

std::vector<double> incidence_matrix(const ChannelBlocks& blocks,
                                     const std::map<NodeId, size_t>& nodes) {
  std::vector<double> matrix(2 * nodes.size() * blocks.count(), 0.0);
  const auto fill = [&](size_t row, const std::vector<BlockCount>& counts) {
    for (const BlockCount& count : counts) {
      matrix[row * blocks.count() + static_cast<size_t>(count.block)] +=
          static_cast<double>(count.positions);
    }
  };
  for (const auto& [node, i] : nodes) {
    fill(i, blocks.in[index(node)]);
    fill(nodes.size() + i, blocks.out[index(node)]);
  }
  return matrix;
}

/// One coefficient of every form, [K, F, N]. A node with fewer forms repeats its first.
std::vector<double> coefficients(const std::vector<CostTable>& tables,
                                 const std::map<NodeId, size_t>& nodes,
                                 size_t forms,
                                 double BilinearForm::*coefficient) {
  std::vector<double> values(tables.size() * forms * nodes.size(), 0.0);
  for (size_t k = 0; k < tables.size(); ++k) {
    for (const CostTable::Row& row : tables[k].rows) {
      for (size_t f = 0; f < forms; ++f) {
        const BilinearForm& form = row.forms[f < row.forms.size() ? f : 0];
        values[(k * forms + f) * nodes.size() + nodes.at(row.node)] = form.*coefficient;
      }
    }
  }
  return values;
}

size_t most_forms(const std::vector<CostTable>& tables) {
  size_t most = 1;
  for (const CostTable& table : tables) {
    for (const CostTable::Row& row : table.rows) most = std::max(most, row.forms.size());
  }
  return most;
}

int64_t signed_size(size_t size) { return static_cast<int64_t>(size); }

std::vector<at::Tensor> gate_tensors(const GraphModule& module,
                                     const std::vector<GateSite>& sites) {
  std::vector<at::Tensor> tensors;
  for (const GateSite& site : sites) tensors.push_back(module.params().at(site.tensor));
  return tensors;
}

/// One view of all the tensors, if they lie end to end in one storage.
std::optional<at::Tensor> end_to_end(const std::vector<at::Tensor>& tensors) {
  int64_t offset = tensors.front().storage_offset();
  int64_t size = 0;
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.is_contiguous() || !tensor.is_alias_of(tensors.front()) ||
        tensor.storage_offset() != offset + size) {
      return std::nullopt;
    }
    size += tensor.numel();
  }
  return tensors.front().detach().as_strided({size}, {1}, offset);
}

}  // namespace

NetworkRegularizer::NetworkRegularizer(const GraphModule& module,
                                       const std::vector<std::string>& costs,
                                       const RegularizerOptions& options)
    : module_(module),
      options_(options),
      groups_(find_channel_groups(module.graph())),
      blocks_(find_channel_blocks(module.graph(), groups_)),
      sites_(find_gamma_gates(module.graph(), groups_)),
      removable_(static_cast<size_t>(groups_.set_count()), false),
      tables_(std::make_unique<Tables>()) {
  if (sites_.empty()) {
    throw Error(cat("network '",
                    module.graph().name(),
                    "' has nothing to prune: no BatchNormalization scale whose channels may be "
                    "removed (see `morphnet inspect`)"));
  }
  std::vector<int64_t> set_of_gate;
  for (const GateSite& site : sites_) {
    for (const ChannelId set : site.sets) {
      set_of_gate.push_back(set);
      removable_[static_cast<size_t>(set)] = !groups_.pinned(set);
    }
  }
  std::vector<int64_t> block_of_set(blocks_.block_of.begin(), blocks_.block_of.end());
  std::vector<double> charged(removable_.begin(), removable_.end());
  const std::vector<CostTable> tables = make_tables(module.graph(), blocks_, costs);
  const std::map<NodeId, size_t> nodes = costly_nodes(tables);
  const size_t forms = most_forms(tables);

  const c10::Device device = module.device();
  const at::DimVector shape = {
      signed_size(costs.size()), signed_size(forms), signed_size(nodes.size())};
  const auto coefficient = [&](double BilinearForm::*which) {
    return to_device(coefficients(tables, nodes, forms, which), shape, device);
  };
  tables_->set_of_gate = to_device(set_of_gate, {-1}, device);
  tables_->block_of_set = to_device(block_of_set, {-1}, device);
  tables_->charged = to_device(charged, {-1}, device);
  tables_->kept = tables_->charged.eq(0);
  tables_->incidence = to_device(incidence_matrix(blocks_, nodes),
                                 {2 * signed_size(nodes.size()), signed_size(blocks_.count())},
                                 device);
  tables_->pair = coefficient(&BilinearForm::pair);
  tables_->per_in = coefficient(&BilinearForm::per_in);
  tables_->per_out = coefficient(&BilinearForm::per_out);
  tables_->fixed = coefficient(&BilinearForm::fixed);
  tables_->strengths = at::zeros({signed_size(costs.size())}, tables_->pair.options());
}

NetworkRegularizer::~NetworkRegularizer() = default;

void NetworkRegularizer::set_strengths(const std::vector<double>& strengths) {
  MORPH_CHECK(signed_size(strengths.size()) == tables_->strengths.numel());
  tables_->strengths.copy_(at::tensor(strengths));
}

at::Tensor NetworkRegularizer::term() const {
  const at::Tensor gates = at::cat(gate_tensors(module_, sites_));
  // G is homogeneous of degree one in the gates, so Σ γ · ∂G/∂γ has both its value and its
  // gradient.
  return at::dot(gates, evaluate(gates.detach()).gradient);
}

Regularization NetworkRegularizer::evaluate() const {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> gates = gate_tensors(module_, sites_);
  const std::optional<at::Tensor> in_place = end_to_end(gates);
  return evaluate(in_place ? *in_place : at::cat(gates));
}

Regularization NetworkRegularizer::evaluate(const at::Tensor& gates) const {
  const at::NoGradGuard no_grad;
  const Tables& t = *tables_;
  const at::Tensor size = gates.abs();
  const at::Tensor largest =
      at::zeros({t.kept.numel()}, gates.options()).scatter_reduce_(0, t.set_of_gate, size, "amax");
  const at::Tensor alive = largest.gt(options_.threshold).logical_or_(t.kept).to(at::kDouble);
  const at::Tensor counts = at::mv(
      t.incidence,
      at::zeros({t.incidence.size(1)}, alive.options()).index_add_(0, t.block_of_set, alive));
  const int64_t nodes = counts.numel() / 2;
  const at::Tensor in = counts.narrow(0, 0, nodes);
  const at::Tensor out = counts.narrow(0, nodes, nodes);

  const at::Tensor values = t.pair * in * out + t.per_in * in + t.per_out * out + t.fixed;
  const auto [costs, dearest] = values.max(1, /*keepdim=*/true);
  const auto chosen = [&dearest = dearest](const at::Tensor& coefficient) {
    return coefficient.gather(1, dearest).squeeze(1);
  };
  const at::Tensor pair = chosen(t.pair);
  const at::Tensor slopes =
      at::cat({pair * out + chosen(t.per_in), pair * in + chosen(t.per_out)}, 1);
  const at::Tensor set_slopes =
      at::matmul(slopes, t.incidence).index_select(1, t.block_of_set) * t.charged;

  const at::Tensor is_largest = size.eq(largest.index_select(0, t.set_of_gate)).to(at::kDouble);
  const at::Tensor sharers =
      at::zeros({largest.numel()}, alive.options()).index_add_(0, t.set_of_gate, is_largest);
  const at::Tensor price = at::mv(set_slopes.t(), t.strengths) / sharers.clamp_min_(1);
  const at::Tensor gradient =
      price.index_select(0, t.set_of_gate).mul_(is_largest).to(gates.dtype()).mul_(gates.sign());
  return {.terms = at::mv(set_slopes, largest.to(at::kDouble)),
          .costs = costs.sum({1, 2}),
          .gradient = gradient};
}

Regularization NetworkRegularizer::accumulate_gradient() const {
  const at::NoGradGuard no_grad;
  Regularization result = evaluate();
  std::vector<at::Tensor> grads;
  for (at::Tensor gate : gate_tensors(module_, sites_)) {
    if (!gate.grad().defined()) gate.mutable_grad() = at::zeros_like(gate);
    grads.push_back(gate.grad());
  }
  if (std::optional<at::Tensor> all = end_to_end(grads)) {
    all->add_(result.gradient);
    return result;
  }
  int64_t offset = 0;
  for (at::Tensor& grad : grads) {
    grad.add_(result.gradient.narrow(0, offset, grad.numel()));
    offset += grad.numel();
  }
  return result;
}

std::vector<double> NetworkRegularizer::set_values() const {
  std::vector<double> values(removable_.size(), 0.0);
  for (const GateSite& site : sites_) {
    const at::Tensor gate =
        module_.params().at(site.tensor).detach().abs().to(at::kCPU, at::kDouble).contiguous();
    const double* data = gate.const_data_ptr<double>();
    for (size_t i = 0; i < site.sets.size(); ++i) {
      double& value = values[static_cast<size_t>(site.sets[i])];
      value = std::max(value, data[i]);
    }
  }
  return values;
}

Structure NetworkRegularizer::structure() const { return structure(options_.threshold); }

Structure NetworkRegularizer::structure(double threshold) const {
  const std::vector<double> values = set_values();
  std::vector<bool> alive;
  for (size_t set = 0; set < values.size(); ++set) {
    alive.push_back(!removable_[set] || values[set] > threshold);
  }
  Structure structure = make_structure(module_.graph(), groups_, alive);
  for (auto& [name, layer] : structure.layers) layer.threshold = threshold;
  return structure;
}

}  // namespace morph
