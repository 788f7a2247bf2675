#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace morph {

/// A small generator (SplitMix64, Steele et al. 2014) whose sequence is the same on every platform
/// and whose whole state is one number, so that a checkpoint can hold it.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Uniform in {0, …, bound-1}; `bound` is positive.
  int64_t below(int64_t bound) {
    return static_cast<int64_t>(uniform() * static_cast<double>(bound));
  }

  bool chance(double probability) { return uniform() < probability; }

  uint64_t state() const { return state_; }

 private:
  uint64_t state_;
};

/// Fisher–Yates.
template <typename T>
void shuffle(std::vector<T>& items, Random& random) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  }
}

/// One seed from several, so that streams for (run, epoch, sample) do not overlap.
inline uint64_t mix_seeds(uint64_t a, uint64_t b) { return Random(a ^ Random(b).next()).next(); }

}  // namespace morph
