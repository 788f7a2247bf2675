#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace morph {

/// One network of a run: a row of the summary table.
struct NetworkFigures {
  std::string name = {};  ///< "seed" is what the others are compared with, "learned" the result;
                          ///< any other name gets its row: "expanded", "uniform", "from scratch".
  std::map<std::string, double> costs = {};  ///< By resource: "flops", "params", "activations", ….
  std::optional<double> top1 = {};           ///< Test accuracy in percent, if it was measured.
  int64_t epochs = 0;                        ///< Of training in all, those of its parents included.
  std::string note = {};
  std::map<std::string, double> resources = {};  ///< By every cost model, for a table of its own.

  bool operator==(const NetworkFigures&) const = default;
};

/// One layer of the seed and what became of it.
struct LayerFigures {
  std::string name = {};
  std::string op = {};
  std::string group = {};  ///< Layers with one group are tied; empty if the layer has none.
  int64_t seed_width = 0;  ///< Output channels.
  int64_t learned_width = 0;
  std::optional<int64_t> expanded_width = {};
  std::map<std::string, double> seed_cost = {};  ///< Of this layer, by resource.
  std::map<std::string, double> learned_cost = {};
  std::string pinned = {};  ///< Why its width may not change; empty if it may.
  bool removed = false;     ///< The layer left the graph.

  bool operator==(const LayerFigures&) const = default;
};

/// One operator of the seed and what became of it, for the drawing of the network.
struct OperatorFigures {
  std::string name = {};
  std::string op = {};
  std::string detail = {};           ///< Window and stride: "3×3/2"; may be empty.
  std::vector<int64_t> inputs = {};  ///< Indices of operators before it in the list.
  int64_t seed_width = 0;            ///< Channels of its value.
  int64_t learned_width = 0;         ///< The same in the learned network; 0 if it left that.
  bool has_weights = false;          ///< A layer: a box of the drawing is named for it.
  bool removed = false;              ///< It is not in the learned network.

  bool operator==(const OperatorFigures&) const = default;
};

/// How many of the gates that may shut lie in which interval. Intervals are as wide as 10 to the
/// power of 1/per_decade; the first count is of what is below `lowest`, the last of all above.
struct GateHistogram {
  double lowest = 0;
  int64_t per_decade = 0;
  std::vector<int64_t> counts = {};

  bool operator==(const GateHistogram&) const = default;
};

/// One epoch of a phase. A figure that was not measured is left out, not zero.
struct EpochFigures {
  int64_t epoch = 0;  ///< From 1, within the phase.
  double loss = 0;    ///< Mean task loss on the training set.
  std::optional<double> test_loss = {};
  std::optional<double> test_top1 = {};  ///< Percent.
  std::map<std::string, double> cost =
      {};  ///< Of what is alive, by resource, as share of the seed.
  std::map<std::string, double> target = {};    ///< What the cost was to be; likewise.
  std::map<std::string, double> strength = {};  ///< Of the regularizer, by resource.
  std::optional<GateHistogram> gates = {};      ///< At its end.
  std::optional<double> learning_rate = {};

  bool operator==(const EpochFigures&) const = default;
};

/// A stretch of training: "seed training", "structure", "retraining".
struct Phase {
  std::string name = {};
  std::map<std::string, double> budget = {};  ///< By resource, as share of the seed; may be empty.
  std::vector<EpochFigures> epochs = {};

  bool operator==(const Phase&) const = default;
};

/// What could not be pruned and why, in a person's words.
struct Pinned {
  std::string layer = {};
  std::string reason = {};

  bool operator==(const Pinned&) const = default;
};

/// All that the report shows of a run. Any list may be empty and any text may be "".
struct RunReport {
  std::string title = {};              ///< What was learned on what: "resnet20 on CIFAR-10".
  std::string command = {};            ///< The command line.
  std::string started = {};            ///< ISO 8601, date and time.
  std::optional<double> seconds = {};  ///< Wall time of the whole run.
  std::string device = {};
  std::string data = {};
  std::string budget = {};  ///< As the user wrote it: "flops=0.5x".
  std::map<std::string, std::string> versions = {};
  std::map<std::string, std::string> settings = {};
  std::vector<NetworkFigures> networks = {};
  std::vector<LayerFigures> layers = {};
  std::vector<OperatorFigures> graph = {};  ///< The seed, each operator after its inputs.
  std::vector<Phase> phases = {};
  std::vector<Pinned> pinned = {};
  std::vector<std::string> notes = {};     ///< Sentences; each becomes an item of a list.
  std::optional<double> equivalence = {};  ///< Largest difference between the outputs of the masked
                                           ///< and the shrunk network, relative.
  std::optional<double> threshold = {};    ///< A gate at or below it was cut.

  bool operator==(const RunReport&) const = default;
};

/// The report as one HTML page that needs nothing else: style, script and figures are inside, and
/// it is complete without the script. Well-formed XML, and the same bytes for the same run.
std::string render_report(const RunReport& run);

/// The run as JSON with sorted keys. A figure that is absent has no key; one that is not finite is
/// null, for JSON has no other word for it.
nlohmann::json to_json(const RunReport& run);

/// The reverse; keys that the report does not know are left alone, so `json` may hold more. Throws
/// Error naming the field ("layers[3].seed_width") that is missing or of the wrong kind.
RunReport report_from_json(const nlohmann::json& json);

/// A histogram as it stands in the JSON of an epoch, and back; the latter throws Error like
/// report_from_json().
nlohmann::json to_json(const GateHistogram& gates);
GateHistogram gates_from_json(const nlohmann::json& json);

}  // namespace morph
