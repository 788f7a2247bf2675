#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "morph/report/sweep.h"
#include "morph/sweep/sweep_point.h"

namespace morph {

/// How points are run.
struct RunnerOptions {
  std::string program = "/proc/self/exe";
  int64_t jobs = 1;                                     ///< Points at once.
  std::vector<std::string> devices = {"cpu"};           ///< On which they train, spread evenly.
  std::map<std::string, std::string> environment = {};  ///< Added to that of each.
  const std::atomic<bool>* stop = nullptr;  ///< Set when the user wants to stop; may be nullptr.
  std::chrono::milliseconds pause{50};      ///< Between two looks at what runs.
  /// Told of each point that has ended, with nullptr for its failure if it did well.
  std::function<void(const SweepPoint&, const SweepFailure*)> on_end = {};
  /// Told after each pause of the points that are running.
  std::function<void(const std::vector<const SweepPoint*>&)> on_pause = {};
};

/// What became of the points.
struct RunnerResult {
  std::vector<SweepFailure> failures = {};
  bool interrupted = false;  ///< Some points were not run to their end because of `stop`.
};

/// Runs the steps of all points that are not finished, each step a process of its own, in order but
/// `jobs` points at once. A step that ends with an error ends its point, not the others. When
/// `stop` is set, what runs is asked to end and waited for.
RunnerResult run_points(const std::vector<SweepPoint>& points, const RunnerOptions& options);

}  // namespace morph
