#include "morph/data/batches.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "morph/base/error.h"
#include "morph/data/augment.h"
#include "morph/data/device_loader.h"
#include "morph/data/loader.h"

namespace morph {

EpochPlan::EpochPlan(const Dataset& data, const BatchOptions& options)
    : size_(data.size()),
      batch_size_(options.batch_size),
      examples_(size_),
      shuffle_(options.shuffle),
      seed_(options.seed) {
  const auto require = [](int64_t value, int64_t least, const char* what) {
    if (value < least) {
      throw Error(cat("loader: expected ", what, " of at least ", least, ", got ", value));
    }
  };
  require(size_, 1, "a data set with a size");
  require(batch_size_, 1, "a batch size");
  require(options.workers, 1, "a number of workers");
  require(options.crop_padding, 0, "a crop padding");
  if (options.drop_single && size_ % batch_size_ == 1) --examples_;
}

int64_t EpochPlan::batch_size(int64_t index) const {
  return std::min(batch_size_, examples_ - index * batch_size_);
}

std::vector<int64_t> EpochPlan::order(int64_t epoch) const {
  if (shuffle_) return shuffled_order(size_, seed_, epoch);
  std::vector<int64_t> order(static_cast<size_t>(size_));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

void EpochPlan::check_start(int64_t first) const {
  if (first >= 0 && first <= batches()) return;
  throw Error(cat("loader: cannot start at batch ",
                  first,
                  " of an epoch of ",
                  batches(),
                  " batches; was the batch size or the data set changed?"));
}

std::unique_ptr<BatchSource> make_batches(std::shared_ptr<const Dataset> data,
                                          const BatchOptions& options,
                                          c10::Device device,
                                          int64_t most_bytes) {
  if (device.is_cuda() && data->size() <= most_bytes / data->shape().size()) {
    return std::make_unique<DeviceLoader>(*data, options, device);
  }
  return std::make_unique<Loader>(std::move(data), options);
}

}  // namespace morph
