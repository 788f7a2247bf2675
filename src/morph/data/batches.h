#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include "morph/data/dataset.h"
#include "morph/data/normalization.h"

namespace morph {

/// One step's worth of examples.
struct Batch {
  at::Tensor images = {};  ///< Float [N, C, H, W], normalised.
  at::Tensor labels = {};  ///< Long [N], on the device of the images.
};

/// How batches are made.
struct BatchOptions {
  int64_t batch_size = 128;
  bool shuffle = false;      ///< A new order each epoch, a function of (seed, epoch) alone.
  bool drop_single = false;  ///< Leave out a last batch of one: BatchNorm cannot train on it.
  int64_t crop_padding = 0;  ///< Pad by this many zeros (pixel value 0 before normalisation) on
                             ///< each side, then crop at random to the old size.
  bool flip = false;         ///< Mirror left and right with probability 1/2.
  Normalization normalization = {};  ///< By channel; empty leaves the pixels in [0, 1].
  uint64_t seed = 0;
  int64_t workers = 1;  ///< Threads that prepare batches ahead, where the host prepares them.
  bool pinned = false;  ///< Page-locked memory, for copies to a GPU that do not wait. Without CUDA
                        ///< it has no effect.
};

/// Batches of a data set, in an order and with augmentation that depend on (seed, epoch, position)
/// alone: not on who prepares them, nor where.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  virtual int64_t batches() const = 0;   ///< In one epoch.
  virtual int64_t examples() const = 0;  ///< In one epoch.

  /// Begins an epoch at batch `first` (not 0 when a run is resumed); one that is running is
  /// abandoned. Throws Error if the epoch has fewer batches than `first`.
  virtual void start_epoch(int64_t epoch, int64_t first = 0) = 0;

  /// The next batch of the epoch, or nothing at its end.
  virtual std::optional<Batch> next() = 0;

  /// True if next() only launches work on a device, from a position kept there. It may then be part
  /// of a recorded step: every replay takes the batch after the last one, and skip() says so here.
  virtual bool is_on_device() const = 0;
  virtual void skip() = 0;
};

/// What makes batches of `data` fastest for a network on `device`: DeviceLoader where that is a GPU
/// and the images take at most `most_bytes` there, else Loader. Throws what these throw.
std::unique_ptr<BatchSource> make_batches(std::shared_ptr<const Dataset> data,
                                          const BatchOptions& options,
                                          c10::Device device,
                                          int64_t most_bytes = int64_t{8} << 30);

/// What an epoch of `data` consists of; shared by all sources.
class EpochPlan {
 public:
  /// Throws Error if the data set is empty or a count is below 1. The data set is not kept.
  EpochPlan(const Dataset& data, const BatchOptions& options);

  int64_t examples() const { return examples_; }
  int64_t batches() const { return (examples_ + batch_size_ - 1) / batch_size_; }

  /// How many examples batch `index` has.
  int64_t batch_size(int64_t index) const;

  /// The images of an epoch in their order; the last may be left out.
  std::vector<int64_t> order(int64_t epoch) const;

  /// Throws Error unless an epoch may begin at batch `first`.
  void check_start(int64_t first) const;

 private:
  int64_t size_;
  int64_t batch_size_;
  int64_t examples_;
  bool shuffle_;
  uint64_t seed_;
};

}  // namespace morph
