#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "morph/data/batches.h"
#include "morph/data/dataset.h"

namespace morph {

/// Batches prepared by worker threads of the host, in its memory. The number of workers changes
/// nothing but the speed. The threads live as long as the loader.
class Loader final : public BatchSource {
 public:
  /// Throws Error if the data set is empty, a count is below 1 or the normalisation does not fit
  /// its channels.
  Loader(std::shared_ptr<const Dataset> data, BatchOptions options);
  ~Loader() override;
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  int64_t batches() const override;
  int64_t examples() const override;
  void start_epoch(int64_t epoch, int64_t first = 0) override;

  /// Rethrows what a worker threw, each time until an epoch is started anew.
  std::optional<Batch> next() override;

  bool is_on_device() const override { return false; }
  void skip() override;

 private:
  class Workers;
  std::unique_ptr<Workers> workers_;
};

}  // namespace morph
