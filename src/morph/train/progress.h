#pragma once

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

#include "morph/train/trainer.h"

namespace morph {

/// Where progress is printed to.
enum class ProgressTarget {
  kTerminal,  ///< One line is rewritten in place within an epoch.
  kPlain,     ///< A file or a pipe: whole lines only.
};

/// How progress is printed.
struct ProgressOptions {
  std::string label = {};  ///< What is being trained, "structure"; begins every line.
  ProgressTarget target = ProgressTarget::kPlain;
  size_t columns = 100;               ///< Width of the terminal; the line in place is cut to it.
  double seconds_between_lines = 30;  ///< Within an epoch, where lines are not rewritten.
};

/// Prints a run as it goes: a line for each epoch, and one within it. What other callbacks put into
/// EpochReport::extra is printed behind it, so this one is added last.
class ProgressPrinter : public Callback {
 public:
  /// `out` must outlive it.
  ProgressPrinter(std::ostream& out, ProgressOptions options);

  void on_step(const StepReport& report) override;
  void on_epoch(EpochReport& report) override;

 private:
  std::ostream& out_;
  ProgressOptions options_;
  std::string extra_;  // Of the last epoch, as text.
  std::chrono::steady_clock::time_point last_line_;
};

/// "42 s", "3:07" (minutes), "1:02:45" (hours).
std::string format_duration(double seconds);

}  // namespace morph
