#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

namespace morph {

/// A partition of {0, …, size-1} that can only get coarser. The representative of a set is its
/// smallest member, so results do not depend on the order of the unions.
class UnionFind {
 public:
  /// Appends one element, alone in its set, and returns its index.
  int32_t add() {
    parent_.push_back(static_cast<int32_t>(parent_.size()));
    return parent_.back();
  }

  /// The smallest member of the set that holds `element`.
  int32_t find(int32_t element) const {
    while (parent_[index(element)] != element) {
      parent_[index(element)] = parent_[index(parent_[index(element)])];
      element = parent_[index(element)];
    }
    return element;
  }

  void unite(int32_t a, int32_t b) {
    a = find(a);
    b = find(b);
    if (a == b) return;
    if (a < b) {
      parent_[index(b)] = a;
    } else {
      parent_[index(a)] = b;
    }
  }

  int32_t size() const { return static_cast<int32_t>(parent_.size()); }

 private:
  static size_t index(int32_t element) { return static_cast<size_t>(element); }

  mutable std::vector<int32_t> parent_;  // Mutable: find() shortens paths, the partition stays.
};

}  // namespace morph
