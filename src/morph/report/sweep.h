#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace morph {

/// One trained network of a sweep.
struct SweepRow {
  std::string network = {};  ///< Name of the seed network: "resnet8".
  std::string method = {};   ///< "seed", "morphnet", "uniform", "l1", "random"; "morphnet-expanded"
                             ///< for what `learn --expand` makes of it.
  std::string budget = {};   ///< As the user wrote it: "flops=0.5x"; "" for the seed.
  std::map<std::string, double> costs = {};  ///< By resource; "flops" and "params" always.
  int64_t seed = 0;
  double top1 = 0;         ///< Percent.
  int64_t epochs = 0;      ///< Of training in the network's weights, those of its parents included.
  bool inherited = false;  ///< Retrained from the weights it had, not from fresh ones.
  std::string folder = {};  ///< Of its run, relative to that of the sweep.

  bool operator==(const SweepRow&) const = default;
};

/// The widths of a network of a sweep beside those of the seed.
struct SweepWidths {
  std::string method = {};
  std::string budget = {};
  std::vector<int64_t> widths = {};  ///< By layer of SweepReport::layers; 0 if it left the graph.
};

/// A layer of the seed whose width could change.
struct SweepLayer {
  std::string name = {};
  int64_t width = 0;
};

/// A point that could not be trained.
struct SweepFailure {
  std::string point = {};   ///< "uniform flops=0.5x, seed 1".
  std::string reason = {};  ///< The last line that it printed.
  std::string log = {};     ///< Relative to the folder of the sweep.
};

/// All that the page of a sweep shows.
struct SweepReport {
  std::string title = {};
  std::string command = {};
  std::string started = {};  ///< ISO 8601: when the sweep was last worked on.
  std::string device = {};
  std::string data = {};
  std::map<std::string, std::string> versions = {};
  int64_t points = 0;                     ///< That were asked for, trained or not.
  std::vector<std::string> costs = {};    ///< Resources of the budgets, each a chart.
  std::vector<std::string> methods = {};  ///< In the order of the legend.
  std::vector<SweepRow> rows = {};
  std::vector<SweepLayer> layers = {};
  std::vector<SweepWidths> widths = {};  ///< Of learned networks.
  std::vector<SweepFailure> failures = {};
};

/// The rows of one method and budget over its seeds.
struct SweepCell {
  std::string method = {};
  std::string budget = {};
  bool inherited = false;
  std::map<std::string, double> costs = {};  ///< Means.
  int64_t count = 0;                         ///< Of seeds.
  double mean = 0;                           ///< Of top-1, percent.
  double deviation = 0;  ///< Σ (x − mean)² / (count − 1), the root; 0 for one.
  int64_t epochs = 0;
};

/// The cells of a sweep: methods in the order of `methods`, within each the most expensive first.
std::vector<SweepCell> summarize(const SweepReport& sweep);

/// What share of their width the layers of the first and of the second half of a network keep, by
/// position: the mean over layers of width / seed width.
struct HalvesKept {
  double early = 0;
  double late = 0;
};

/// Of one network of the sweep.
HalvesKept halves_kept(const SweepReport& sweep, const SweepWidths& network);

/// The resources that tables of a sweep have a column for: those of the budgets, and parameters.
std::vector<std::string> sweep_columns(const SweepReport& sweep);

/// results.json: "results", a list of {"network", "method", "budget", "mflops", "params", "costs",
/// "seed", "top1", "epochs", "inherited", "folder"}, and beside it "date", "device", "versions",
/// "data", "command", "layers", "widths" and "failures".
nlohmann::json to_json(const SweepReport& sweep);

/// results.csv: the same list with a line of names; fields that hold commas or quotes are quoted.
std::string to_csv(const SweepReport& sweep);

/// The sweep as one HTML page of the kind of render_report(): for each resource accuracy against
/// cost with a curve for each method, tables, widths by layer.
std::string render_sweep(const SweepReport& sweep);

/// The chart of one resource as an SVG file that needs no page around it.
std::string render_sweep_chart(const SweepReport& sweep, const std::string& resource);

}  // namespace morph
