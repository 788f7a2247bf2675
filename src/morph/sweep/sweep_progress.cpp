#include "morph/sweep/sweep_progress.h"

#include <algorithm>
#include <filesystem>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

int64_t epochs_of(const SweepPoint& point) {
  if (point.is_finished()) return point.epochs;
  if (!std::filesystem::exists(point.log())) return 0;
  return std::min(point.epochs, epochs_in_log(read_file(point.log())));
}

}  // namespace

int64_t epochs_in_log(std::string_view log) {
  int64_t count = 0;
  for (const std::string& line : split(log, '\n')) {
    const bool is_epoch = line.find("  loss ") != std::string::npos &&
                          line.find("  train ") != std::string::npos &&
                          line.find("  test ") != std::string::npos;
    count += is_epoch ? 1 : 0;
  }
  return count;
}

SweepProgress::SweepProgress(const std::vector<SweepPoint>& points) : points_(points) {
  for (const SweepPoint& point : points) epochs_ += point.epochs;
  before_ = epochs_done();
}

int64_t SweepProgress::points_done() const {
  return std::count_if(
      points_.begin(), points_.end(), [](const auto& point) { return point.is_finished(); });
}

int64_t SweepProgress::epochs_done() const {
  int64_t sum = 0;
  for (const SweepPoint& point : points_) sum += epochs_of(point);
  return sum;
}

std::optional<double> SweepProgress::seconds_left(double elapsed) const {
  const int64_t done = epochs_done();
  if (done <= before_) return std::nullopt;
  const double each = elapsed / static_cast<double>(done - before_);
  return each * static_cast<double>(epochs_ - done);
}

std::string SweepProgress::text(double elapsed) const {
  const std::optional<double> left = seconds_left(elapsed);
  return cat(points_done(),
             " of ",
             points_.size(),
             " points",
             left ? cat(", ", duration(*left), " left") : "");
}

}  // namespace morph
