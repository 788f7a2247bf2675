#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace morph {

/// What a sweep is asked for.
struct SweepRequest {
  std::filesystem::path root = {};     ///< Folder of the sweep.
  std::filesystem::path network = {};  ///< The seed network, X.morph.
  std::string data = {};
  std::vector<std::string> budgets = {};  ///< "flops=0.5x".
  std::vector<std::string> methods = {};  ///< Of sweep_methods().
  int64_t first_seed = 0;
  int64_t seeds = 1;
  int64_t epochs = 30;          ///< Of learning a structure.
  int64_t retrain_epochs = 60;  ///< Of every network that comes out.
  bool inherit = false;         ///< Learned networks also go on from the weights they have.
  bool expands = false;         ///< What was shrunk is widened, and that trained too.
  int64_t rounds = 1;           ///< Of learning a structure, at the most.
  bool seed_teaches = false;    ///< The seed network of the same seed teaches all others.
  /// By command ("learn", "train", "shrink"), arguments that its runs get as they stand; the seed
  /// network gets none that speak of a teacher.
  std::map<std::string, std::vector<std::string>> passed_on = {};
};

/// One call of the program, and what tells that it has been made.
struct PointStep {
  std::vector<std::string> arguments = {};
  std::filesystem::path product = {};  ///< A file; of `learn` and `train` their run.json.
  bool trains = false;                 ///< On a device.

  /// True if the step need not be run again.
  bool is_finished() const;
};

/// One network to find and train; for learned ones there may be several results.
struct SweepPoint {
  std::string method = {};
  std::string budget = {};  ///< "" for the seed.
  int64_t seed = 0;
  std::filesystem::path folder = {};  ///< Of its run.
  int64_t epochs = 0;                 ///< Of training in all, for the time that is left.
  std::vector<PointStep> steps = {};
  std::optional<PointStep> after = {};  ///< What has to be done first, by another point.

  /// "uniform flops=0.5x, seed 1"; "seed network, seed 1".
  std::string label() const;
  std::filesystem::path log() const { return folder / "log.txt"; }
  bool is_finished() const;
};

/// "morphnet", "uniform", "l1", "random".
const std::vector<std::string>& sweep_methods();

/// The points of a sweep: seed by seed, so that whole curves are there early; first the seed
/// network itself, then budget by budget each method.
std::vector<SweepPoint> plan_points(const SweepRequest& request);

}  // namespace morph
