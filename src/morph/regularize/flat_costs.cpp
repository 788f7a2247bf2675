#include "morph/regularize/flat_costs.h"

#include <algorithm>
#include <map>

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/addmv.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace morph {
namespace {

/// The rows of all tables; those that count the same channels are one.
class Rows {
 public:
  explicit Rows(const std::vector<CostTable>& tables) {
    for (const CostTable& table : tables) {
      std::vector<size_t>& numbers = numbers_.emplace_back();
      for (const CostTable::Row& row : table.rows) numbers.push_back(number(row));
    }
  }

  size_t count() const { return rows_.size(); }
  const std::vector<const CostTable::Row*>& rows() const { return rows_; }
  size_t number(size_t table, size_t row) const { return numbers_[table][row]; }

 private:
  size_t number(const CostTable::Row& row) {
    std::vector<size_t>& same_node = by_node_[row.node];
    for (const size_t i : same_node) {
      if (rows_[i]->in == row.in && rows_[i]->out == row.out) return i;
    }
    same_node.push_back(rows_.size());
    rows_.push_back(&row);
    return rows_.size() - 1;
  }

  std::vector<const CostTable::Row*> rows_;
  std::map<NodeId, std::vector<size_t>> by_node_;
  std::vector<std::vector<size_t>> numbers_;  // By table and row of it.
};

size_t most_forms(const std::vector<CostTable>& tables) {
  size_t most = 1;
  for (const CostTable& table : tables) {
    for (const CostTable::Row& row : table.rows) most = std::max(most, row.forms.size());
  }
  return most;
}

/// One coefficient of every form, Double [K, F, N] on the host. A row with fewer forms repeats its
/// first.
at::Tensor coefficients(const std::vector<CostTable>& tables,
                        const Rows& rows,
                        double BilinearForm::*coefficient) {
  const size_t forms = most_forms(tables);
  std::vector<double> values(tables.size() * forms * rows.count(), 0.0);
  for (size_t k = 0; k < tables.size(); ++k) {
    for (size_t i = 0; i < tables[k].rows.size(); ++i) {
      const std::vector<BilinearForm>& own = tables[k].rows[i].forms;
      for (size_t f = 0; f < forms; ++f) {
        values[(k * forms + f) * rows.count() + rows.number(k, i)] =
            own[f < own.size() ? f : 0].*coefficient;
      }
    }
  }
  return at::tensor(values).reshape({static_cast<int64_t>(tables.size()),
                                     static_cast<int64_t>(forms),
                                     static_cast<int64_t>(rows.count())});
}

/// Positions of one set of each block among the channels that each row counts, Double [2N, blocks]:
/// first those it reads, then those it makes.
at::Tensor block_incidence(const Rows& rows, size_t blocks) {
  std::vector<double> matrix(2 * rows.count() * blocks, 0.0);
  const auto fill = [&](size_t row, const std::vector<BlockCount>& counts) {
    for (const BlockCount& count : counts) {
      matrix[row * blocks + static_cast<size_t>(count.block)] +=
          static_cast<double>(count.positions);
    }
  };
  for (size_t i = 0; i < rows.count(); ++i) {
    fill(i, rows.rows()[i]->in);
    fill(rows.count() + i, rows.rows()[i]->out);
  }
  return at::tensor(matrix).reshape({-1, static_cast<int64_t>(blocks)});
}

/// Bool [K, 1, N]: false for rows that are free once their outputs are dead, where that says more
/// than their forms do. `always` is by row how many outputs are alive for good.
at::Tensor charged_rows(const std::vector<CostTable>& tables,
                        const Rows& rows,
                        const at::Tensor& always) {
  const double* kept = always.const_data_ptr<double>();
  std::vector<int64_t> charged(tables.size() * rows.count(), 1);
  for (size_t k = 0; k < tables.size(); ++k) {
    if (tables[k].charges_dead_rows) continue;
    for (size_t i = 0; i < tables[k].rows.size(); ++i) {
      const CostTable::Row& row = tables[k].rows[i];
      const bool pays_without_outputs = std::ranges::any_of(row.forms, [](const auto& form) {
        return form.per_in != 0 || form.fixed != 0 || form.slope_in != 0;
      });
      const size_t number = rows.number(k, i);
      if (pays_without_outputs && !row.out.empty() && kept[number] == 0) {
        charged[k * rows.count() + number] = 0;
      }
    }
  }
  return at::tensor(charged, at::kLong)
      .to(at::kBool)
      .reshape({static_cast<int64_t>(tables.size()), 1, static_cast<int64_t>(rows.count())});
}

at::Tensor with_inputs_again(const at::Tensor& by_row) {
  return at::cat({by_row, by_row.narrow(0, 0, by_row.size(0) / 2)});
}

}  // namespace

FlatCosts::FlatCosts(const std::vector<CostTable>& tables,
                     const ChannelBlocks& blocks,
                     const std::vector<Pool>& pools,
                     c10::Device device) {
  const Rows rows(tables);
  rows_ = static_cast<int64_t>(rows.count());
  std::vector<double> kept;
  for (const auto& sets : blocks.sets) kept.push_back(static_cast<double>(sets.size()));
  std::vector<int64_t> block_of_pool;
  for (const Pool& pool : pools) {
    kept[static_cast<size_t>(pool.block)] -= static_cast<double>(pool.size);
    block_of_pool.push_back(pool.block);
  }
  const at::Tensor matrix = block_incidence(rows, blocks.count());
  always_ = with_inputs_again(matrix.mv(at::tensor(kept))).to(device);
  incidence_ =
      with_inputs_again(matrix.index_select(1, at::tensor(block_of_pool, at::kLong))).to(device);
  const auto coefficient = [&](double BilinearForm::*which) {
    return coefficients(tables, rows, which).to(device);
  };
  pair_ = coefficient(&BilinearForm::pair).unsqueeze(1);
  per_in_ = coefficient(&BilinearForm::per_in);
  fixed_ = coefficient(&BilinearForm::fixed);
  per_side_ = at::stack(
      {per_in_ + coefficient(&BilinearForm::slope_in), coefficient(&BilinearForm::per_out)}, 1);
  const at::Tensor charged = charged_rows(tables, rows, always_.narrow(0, rows_, rows_).cpu());
  if (!charged.all().item<bool>()) is_charged_ = charged.to(device);
  note_totals(tables, device);
}

void FlatCosts::note_totals(const std::vector<CostTable>& tables, c10::Device device) {
  std::vector<int64_t> is_sum;
  for (const CostTable& table : tables) {
    is_sum.push_back(table.total_of == CostTable::Total::kSumOfRows ? 1 : 0);
  }
  if (std::ranges::find(is_sum, 0) == is_sum.end()) return;
  is_sum_ = at::tensor(is_sum, at::kLong).to(at::kBool).reshape({-1, 1, 1}).to(device);
}

FlatCosts::Slopes FlatCosts::at(const at::Tensor& alive) const {
  const at::Tensor counts = at::addmv(always_, incidence_, alive);
  const at::Tensor in = counts.narrow(0, 0, rows_);
  const at::Tensor out = counts.narrow(0, rows_, rows_);
  const at::Tensor other_side = counts.narrow(0, rows_, 2 * rows_).view({2, 1, rows_});
  at::Tensor slopes = at::addcmul(per_side_, pair_, other_side);
  at::Tensor values = at::addcmul(at::addcmul(fixed_, per_in_, in), slopes.select(1, 1), out);
  if (values.size(1) > 1) {
    const auto [largest, form] = values.max(1, /*keepdim=*/true);
    values = largest;
    slopes = slopes.gather(2, form.unsqueeze(1).expand({-1, 2, -1, -1}));
  }
  if (is_charged_.defined()) {
    const at::Tensor is_counted = out.gt(0).logical_or(is_charged_);
    values = values * is_counted;
    slopes.select(1, 0).mul_(is_counted);
  }
  if (is_sum_.defined()) {
    const at::Tensor dearest = values.argmax(2, /*keepdim=*/true);
    const at::Tensor counted =
        at::where(is_sum_, 1.0, at::zeros_like(values).scatter_(2, dearest, 1.0));
    values = values * counted;
    slopes = slopes * counted.unsqueeze(1);
  }
  return {.costs = values.sum(at::IntArrayRef{1, 2}),
          .by_pool = at::mm(slopes.reshape({-1, 2 * rows_}), incidence_.narrow(0, 0, 2 * rows_))};
}

}  // namespace morph
