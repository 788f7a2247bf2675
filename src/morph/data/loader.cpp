#include "morph/data/loader.h"

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/Context.h>
#include <ATen/ops/empty.h>

#include "morph/base/error.h"
#include "morph/data/augment.h"

namespace morph {
namespace {

BatchOptions with_pinning_if_possible(BatchOptions options) {
  options.pinned = options.pinned && at::hasCUDA();
  return options;
}

}  // namespace

/// The queue between the threads that prepare batches and the one that takes them. Batches are
/// claimed in order, at most `depth` ahead of the one that is awaited.
class Loader::Workers {
 public:
  Workers(std::shared_ptr<const Dataset> data, BatchOptions options)
      : data_(std::move(data)),
        options_(with_pinning_if_possible(std::move(options))),
        plan_(*data_, options_),
        writer_(data_->shape(), options_.normalization) {
    for (int64_t i = 0; i < options_.workers; ++i) {
      threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }

  int64_t examples() const { return plan_.examples(); }
  int64_t batches() const { return plan_.batches(); }

  void start_epoch(int64_t epoch, int64_t first) {
    plan_.check_start(first);
    abandon_epoch();
    std::vector<int64_t> order = plan_.order(epoch);
    const std::scoped_lock lock(mutex_);
    order_ = std::move(order);
    epoch_ = epoch;
    claimed_ = first;
    awaited_ = first;
    end_ = batches();
    work_to_do_.notify_all();
  }

  std::optional<Batch> next() {
    std::unique_lock lock(mutex_);
    MORPH_CHECK(epoch_.has_value());
    if (awaited_ == end_) return std::nullopt;
    batch_ready_.wait(lock, [this] { return ready_.contains(awaited_); });
    if (const auto* error = std::get_if<std::exception_ptr>(&ready_.at(awaited_))) {
      std::rethrow_exception(*error);
    }
    Batch batch = std::get<Batch>(std::move(ready_.extract(awaited_).mapped()));
    ++awaited_;
    work_to_do_.notify_one();
    return batch;
  }

 private:
  using Outcome = std::variant<Batch, std::exception_ptr>;

  /// Leaves nothing to claim, and waits for the batches in work: they read the epoch's order.
  void abandon_epoch() {
    std::unique_lock lock(mutex_);
    end_ = claimed_;
    awaited_ = claimed_;
    batch_ready_.wait(lock, [this] { return busy_ == 0; });
    ready_.clear();
  }

  bool can_claim() const {
    const int64_t depth = 2 * options_.workers + 1;
    return claimed_ < end_ && claimed_ < awaited_ + depth;
  }

  void work(const std::stop_token& stop) {
    std::vector<uint8_t> pixels(static_cast<size_t>(data_->shape().size()));
    std::unique_lock lock(mutex_);
    while (work_to_do_.wait(lock, stop, [this] { return can_claim(); })) {
      if (stop.stop_requested()) return;
      const int64_t index = claimed_++;
      ++busy_;
      lock.unlock();
      Outcome outcome = try_prepare(index, pixels);
      lock.lock();
      --busy_;
      ready_.emplace(index, std::move(outcome));
      batch_ready_.notify_all();
    }
  }

  Outcome try_prepare(int64_t index, std::span<uint8_t> pixels) const {
    try {
      return prepare(index, pixels);
    } catch (...) {
      return std::current_exception();
    }
  }

  /// Batch `index` of the running epoch; `pixels` is room for one image.
  Batch prepare(int64_t index, std::span<uint8_t> pixels) const {
    const int64_t begin = index * options_.batch_size;
    const int64_t count = plan_.batch_size(index);
    const auto [channels, height, width] = data_->shape();
    const auto memory = at::TensorOptions().pinned_memory(options_.pinned);
    Batch batch{.images = at::empty({count, channels, height, width}, memory.dtype(at::kFloat)),
                .labels = at::empty({count}, memory.dtype(at::kLong))};
    const std::span images(batch.images.mutable_data_ptr<float>(),
                           static_cast<size_t>(batch.images.numel()));
    auto* labels = batch.labels.mutable_data_ptr<int64_t>();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t position = begin + i;
      labels[i] = data_->get(order_[static_cast<size_t>(position)], pixels);
      Random random = example_random(options_.seed, *epoch_, position);
      const View view =
          draw_view({.crop_padding = options_.crop_padding, .flip = options_.flip}, random);
      writer_.write(
          pixels, view, images.subspan(static_cast<size_t>(i) * pixels.size(), pixels.size()));
    }
    return batch;
  }

  const std::shared_ptr<const Dataset> data_;
  const BatchOptions options_;
  const EpochPlan plan_;
  const PixelWriter writer_;

  std::mutex mutex_;
  std::condition_variable_any work_to_do_;
  std::condition_variable_any batch_ready_;
  // Written under the mutex, and only while no batch is in work.
  std::vector<int64_t> order_;
  std::optional<int64_t> epoch_;
  // The rest changes under the mutex.
  int64_t claimed_ = 0;  // The next batch to prepare.
  int64_t awaited_ = 0;  // The next batch to hand out.
  int64_t end_ = 0;
  int64_t busy_ = 0;  // Batches in work.
  std::map<int64_t, Outcome> ready_;

  std::vector<std::jthread> threads_;  // Last, so that they are joined before the rest is gone.
};

Loader::Loader(std::shared_ptr<const Dataset> data, BatchOptions options)
    : workers_(std::make_unique<Workers>(std::move(data), std::move(options))) {}

Loader::~Loader() = default;

int64_t Loader::batches() const { return workers_->batches(); }

int64_t Loader::examples() const { return workers_->examples(); }

void Loader::start_epoch(int64_t epoch, int64_t first) { workers_->start_epoch(epoch, first); }

std::optional<Batch> Loader::next() { return workers_->next(); }

void Loader::skip() { throw InternalError("the batches of a Loader are not on a device"); }

}  // namespace morph
