#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morph/sweep/sweep_point.h"

namespace morph {

/// How many epochs have ended by what a run has printed: lines such as
/// "train  3/30  loss 0.4171  train 82.03 %  test 90.62 %".
int64_t epochs_in_log(std::string_view log);

/// How far a sweep is, counted in epochs of training over all points.
class SweepProgress {
 public:
  /// Epochs that were trained before now are not counted for the speed. `points` must outlive it.
  explicit SweepProgress(const std::vector<SweepPoint>& points);

  int64_t points_done() const;

  /// Seconds that all points still take at the speed so far, when `elapsed` seconds of this call
  /// have gone by; nothing before the first epoch has ended.
  std::optional<double> seconds_left(double elapsed) const;

  /// "3 of 24 points, 12 min 30 s left".
  std::string text(double elapsed) const;

 private:
  int64_t epochs_done() const;

  const std::vector<SweepPoint>& points_;
  int64_t epochs_ = 0;  // Of all points.
  int64_t before_ = 0;  // Done when this call began.
};

}  // namespace morph
