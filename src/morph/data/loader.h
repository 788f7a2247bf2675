#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <ATen/core/Tensor.h>

#include "morph/data/dataset.h"
#include "morph/data/normalization.h"

namespace morph {

/// One step's worth of examples, on the CPU.
struct Batch {
  at::Tensor images = {};  ///< Float [N, C, H, W], normalised.
  at::Tensor labels = {};  ///< Long [N].
};

/// How batches are made.
struct LoaderOptions {
  int64_t batch_size = 128;
  bool shuffle = false;      ///< A new order each epoch, a function of (seed, epoch) alone.
  bool drop_single = false;  ///< Leave out a last batch of one: BatchNorm cannot train on it.
  int64_t crop_padding = 0;  ///< Pad by this many zeros (pixel value 0 before normalisation) on
                             ///< each side, then crop at random to the old size.
  bool flip = false;         ///< Mirror left and right with probability 1/2.
  Normalization normalization = {};  ///< By channel; empty leaves the pixels in [0, 1].
  uint64_t seed = 0;
  int64_t workers = 1;  ///< Threads that prepare batches ahead.
  bool pinned = false;  ///< Page-locked memory, for copies to a GPU that do not wait. Without CUDA
                        ///< it has no effect.
};

/// Batches of a data set, prepared by worker threads, in an order and with augmentation that depend
/// on (seed, epoch, position) alone: not on the number of workers. The threads live as long as the
/// loader.
class Loader {
 public:
  /// Throws Error if the data set is empty, a count is below 1 or the normalisation does not fit
  /// its channels.
  Loader(std::shared_ptr<const Dataset> data, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Batches in one epoch.
  int64_t batches() const;

  /// Examples in one epoch.
  int64_t examples() const;

  /// Begins an epoch at batch `first` (not 0 when a run is resumed); one that is running is
  /// abandoned. Throws Error if the epoch has fewer batches than `first`.
  void start_epoch(int64_t epoch, int64_t first = 0);

  /// The next batch of the epoch, or nothing at its end. Rethrows what a worker threw, each time
  /// until an epoch is started anew.
  std::optional<Batch> next();

 private:
  class Workers;
  std::unique_ptr<Workers> workers_;
};

}  // namespace morph
