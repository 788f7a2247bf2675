#include "morph/sweep/point_runner.h"

#include <algorithm>
#include <fstream>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"
#include "morph/sweep/child_process.h"

namespace morph {
namespace {

constexpr const char* kOwnErrors = "morphnet: ";

/// The last line of a log that says something, without the program's name.
std::string last_line(const std::filesystem::path& log) {
  std::string last;
  for (const std::string& line : split(read_file(log), '\n')) {
    if (!trim(line).empty()) last = trim(line);
  }
  return last.rfind(kOwnErrors, 0) == 0 ? last.substr(std::string_view(kOwnErrors).size()) : last;
}

std::string why(int status, const std::filesystem::path& log) {
  constexpr int kSignals = 128;
  if (status > kSignals) return cat("ended by signal ", status - kSignals);
  return last_line(log);
}

/// A point that is being run.
class RunningPoint {
 public:
  RunningPoint(const SweepPoint& point, std::string device, const RunnerOptions& options)
      : point_(point), device_(std::move(device)), options_(options) {
    make_writable_folder(point.folder);
    start_next();
  }

  const SweepPoint& point() const { return point_; }
  const std::string& device() const { return device_; }
  void ask_to_end() { process_->ask_to_end(); }

  /// True once it has ended, well or not; else lets the next step follow one that has ended.
  bool has_ended() {
    const std::optional<int> status = process_->poll();
    if (!status) return false;
    if (*status != 0) fail(why(*status, point_.log()));
    if (*status == 0 && !step_->is_finished()) fail("it ended well but left nothing behind");
    if (failure_) return true;
    if (point_.is_finished() || is_stopping()) return true;
    start_next();
    return false;
  }

  const SweepFailure* failure() const { return failure_ ? &*failure_ : nullptr; }

 private:
  bool is_stopping() const { return options_.stop != nullptr && *options_.stop; }

  void fail(const std::string& reason) {
    failure_ = {.point = point_.label(), .reason = reason, .log = point_.log().string()};
  }

  void start_next() {
    step_ = std::find_if(
        point_.steps.begin(), point_.steps.end(), [](const auto& s) { return !s.is_finished(); });
    MORPH_CHECK(step_ != point_.steps.end());
    std::vector<std::string> arguments = step_->arguments;
    if (step_->trains) arguments.push_back("--device=" + device_);
    std::ofstream(point_.log(), std::ios::app) << "$ morphnet " << join(arguments, " ") << "\n";
    process_.emplace(ChildOptions{.program = options_.program,
                                  .arguments = arguments,
                                  .environment = options_.environment,
                                  .log = point_.log()});
  }

  const SweepPoint& point_;
  std::string device_;
  const RunnerOptions& options_;
  std::vector<PointStep>::const_iterator step_ = {};
  std::optional<ChildProcess> process_;
  std::optional<SweepFailure> failure_;
};

class Runner {
 public:
  Runner(const std::vector<SweepPoint>& points, const RunnerOptions& options) : options_(options) {
    for (const SweepPoint& point : points) {
      if (!point.is_finished()) waiting_.push_back(&point);
    }
  }

  RunnerResult run() {
    bool asked = false;
    while (!running_.empty() || (!waiting_.empty() && !is_stopping())) {
      if (is_stopping() && !asked) {
        for (RunningPoint& point : running_) point.ask_to_end();
        asked = true;
      }
      start_points();
      std::this_thread::sleep_for(options_.pause);
      collect();
      if (options_.on_pause) options_.on_pause(points_running());
    }
    result_.interrupted = result_.interrupted || !waiting_.empty();
    return std::move(result_);
  }

 private:
  bool is_stopping() const { return options_.stop != nullptr && *options_.stop; }

  void start_points() {
    while (!is_stopping() && static_cast<int64_t>(running_.size()) < options_.jobs) {
      const auto next = std::ranges::find_if(waiting_, [](const SweepPoint* point) {
        return !point->after || point->after->is_finished();
      });
      if (next == waiting_.end()) break;
      running_.emplace_back(**next, idlest_device(), options_);
      waiting_.erase(next);
    }
    if (running_.empty() && !is_stopping()) give_up_waiting();
  }

  /// What is left waits for points that have failed.
  void give_up_waiting() {
    for (const SweepPoint* point : waiting_) {
      const SweepFailure failure{.point = point->label(),
                                 .reason = "the network that was to teach it could not be trained",
                                 .log = point->after->product.parent_path() / "log.txt"};
      result_.failures.push_back(failure);
      if (options_.on_end) options_.on_end(*point, &failure);
    }
    waiting_.clear();
  }

  /// The device on which the fewest points run.
  const std::string& idlest_device() const {
    return *std::ranges::min_element(options_.devices, {}, [this](const std::string& device) {
      return std::ranges::count(running_, device, &RunningPoint::device);
    });
  }

  void collect() {
    for (auto it = running_.begin(); it != running_.end();) {
      if (!it->has_ended()) {
        ++it;
        continue;
      }
      end(*it);
      it = running_.erase(it);
    }
  }

  /// A point that was asked to end and did is neither done nor at fault.
  void end(const RunningPoint& ended) {
    if (!ended.point().is_finished() && is_stopping()) {
      result_.interrupted = true;
      return;
    }
    if (ended.failure() != nullptr) result_.failures.push_back(*ended.failure());
    if (options_.on_end) options_.on_end(ended.point(), ended.failure());
  }

  std::vector<const SweepPoint*> points_running() const {
    std::vector<const SweepPoint*> points;
    for (const RunningPoint& point : running_) points.push_back(&point.point());
    return points;
  }

  const RunnerOptions& options_;
  std::list<const SweepPoint*> waiting_;
  std::list<RunningPoint> running_;
  RunnerResult result_;
};

}  // namespace

RunnerResult run_points(const std::vector<SweepPoint>& points, const RunnerOptions& options) {
  return Runner(points, options).run();
}

}  // namespace morph
