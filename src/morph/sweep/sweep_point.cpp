#include "morph/sweep/sweep_point.h"

#include <cctype>
#include <system_error>

#include "morph/base/error.h"

namespace morph {
namespace {

using Words = std::vector<std::string>;

constexpr const char* kSeed = "seed";

/// `text` as part of a file name.
std::string as_file_name(std::string text) {
  for (char& letter : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(letter)) != 0;
    if (!plain && std::string_view("=.-_").find(letter) == std::string_view::npos) letter = '-';
  }
  return text;
}

class Planner {
 public:
  explicit Planner(const SweepRequest& request) : request_(request) {}

  std::vector<SweepPoint> points() const {
    std::vector<SweepPoint> result;
    for (int64_t i = 0; i < request_.seeds; ++i) {
      const int64_t seed = request_.first_seed + i;
      result.push_back(seed_point(seed));
      for (const std::string& budget : request_.budgets) {
        for (const std::string& method : request_.methods) {
          result.push_back(point(method, budget, seed));
        }
      }
    }
    return result;
  }

 private:
  SweepPoint empty_point(const std::string& method, const std::string& budget, int64_t seed) const {
    const std::string name = cat(method, budget.empty() ? "" : "_", budget, "_seed", seed);
    return {.method = method,
            .budget = budget,
            .seed = seed,
            .folder = request_.root / "points" / as_file_name(name),
            .epochs = request_.retrain_epochs};
  }

  SweepPoint seed_point(int64_t seed) const {
    SweepPoint point = empty_point(kSeed, "", seed);
    point.steps = {train_step(point, request_.network)};
    return point;
  }

  /// Where the trained seed network lies, by the name that `train` gives it.
  std::filesystem::path trained_seed(int64_t seed) const {
    return seed_point(seed).folder / request_.network.filename();
  }

  SweepPoint point(const std::string& method, const std::string& budget, int64_t seed) const {
    SweepPoint point = empty_point(method, budget, seed);
    if (request_.seed_teaches) point.after = seed_point(seed).steps.back();
    if (method == "uniform") {
      const auto network = network_file(cat("uniform_", budget));
      PointStep scale{.arguments = {"expand", request_.network, "--budget", budget, "-o", network},
                      .product = network};
      pass_on("expand", scale.arguments);
      point.steps = {scale, train_step(point, network)};
    } else if (method == "random") {
      const auto network = network_file(cat("random_", budget, "_seed", seed));
      PointStep shrink{.arguments = {"shrink",
                                     request_.network,
                                     "--random",
                                     cat(seed),
                                     "--budget",
                                     budget,
                                     "-o",
                                     network},
                       .product = network};
      pass_on("shrink", shrink.arguments);
      point.steps = {shrink, train_step(point, network)};
    } else {
      point.steps = {learn_step(point)};
      const int64_t more = (request_.inherit ? 1 : 0) + (request_.expands ? 1 : 0);
      point.epochs += request_.rounds * request_.epochs + more * request_.retrain_epochs;
    }
    return point;
  }

  std::filesystem::path network_file(const std::string& name) const {
    return request_.root / "networks" / (as_file_name(name) + ".morph");
  }

  void pass_on(const std::string& command, Words& arguments) const {
    const auto more = request_.passed_on.find(command);
    if (more == request_.passed_on.end()) return;
    arguments.insert(arguments.end(), more->second.begin(), more->second.end());
  }

  /// With --resume a run that was interrupted goes on, and one that has not begun begins.
  void add_run(const SweepPoint& point, PointStep& step) const {
    const Words run = {
        "--data", request_.data, "--seed", cat(point.seed), "--out", point.folder, "--resume"};
    step.arguments.insert(step.arguments.end(), run.begin(), run.end());
    if (point.after)
      step.arguments.insert(step.arguments.end(), {"--teacher", trained_seed(point.seed)});
    step.product = point.folder / "run.json";
    step.trains = true;
  }

  PointStep train_step(const SweepPoint& point, const std::filesystem::path& network) const {
    PointStep step{.arguments = {"train", network, "--epochs", cat(request_.retrain_epochs)}};
    add_run(point, step);
    pass_on("train", step.arguments);
    if (point.method == kSeed) {
      // Nobody is there yet to teach it.
      std::erase_if(step.arguments, [](const std::string& argument) {
        return argument.starts_with("--distill=") || argument.starts_with("--teacher=");
      });
    }
    return step;
  }

  /// `l1` charges every channel alike; the budget is met all the same.
  PointStep learn_step(const SweepPoint& point) const {
    PointStep step{.arguments = {"learn",
                                 request_.network,
                                 "--budget",
                                 point.budget,
                                 "--epochs",
                                 cat(request_.epochs),
                                 "--retrain-epochs",
                                 cat(request_.retrain_epochs),
                                 "--compare",
                                 request_.inherit ? "scratch" : "none"}};
    if (point.method == "l1") step.arguments.insert(step.arguments.end(), {"--cost", "channels"});
    if (request_.inherit) step.arguments.push_back("--inherit");
    add_run(point, step);
    pass_on("learn", step.arguments);
    return step;
  }

  const SweepRequest& request_;
};

}  // namespace

bool PointStep::is_finished() const {
  std::error_code none;
  if (!std::filesystem::exists(product, none)) return false;
  // A run removes its checkpoints last of all.
  return !std::filesystem::exists(product.parent_path() / "phases", none);
}

std::string SweepPoint::label() const {
  return cat(method == kSeed ? "seed network" : cat(method, " ", budget), ", seed ", seed);
}

bool SweepPoint::is_finished() const { return steps.back().is_finished(); }

const std::vector<std::string>& sweep_methods() {
  static const std::vector<std::string> methods = {"morphnet", "uniform", "l1", "random"};
  return methods;
}

std::vector<SweepPoint> plan_points(const SweepRequest& request) {
  return Planner(request).points();
}

}  // namespace morph
