#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/report/report.h"

namespace morph {
namespace {

using nlohmann::json;

json number(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }

json numbers(const std::map<std::string, double>& values) {
  json object = json::object();
  for (const auto& [name, value] : values) object[name] = number(value);
  return object;
}

void set_if(json& object, const char* key, const std::optional<double>& value) {
  if (value) object[key] = number(*value);
}

json network_json(const NetworkFigures& network) {
  json object = {{"name", network.name},
                 {"costs", numbers(network.costs)},
                 {"epochs", network.epochs},
                 {"note", network.note}};
  if (!network.resources.empty()) object["resources"] = numbers(network.resources);
  set_if(object, "top1", network.top1);
  return object;
}

json layer_json(const LayerFigures& layer) {
  json object = {{"name", layer.name},
                 {"op", layer.op},
                 {"group", layer.group},
                 {"seed_width", layer.seed_width},
                 {"learned_width", layer.learned_width},
                 {"seed_cost", numbers(layer.seed_cost)},
                 {"learned_cost", numbers(layer.learned_cost)},
                 {"pinned", layer.pinned},
                 {"removed", layer.removed}};
  if (layer.expanded_width) object["expanded_width"] = *layer.expanded_width;
  return object;
}

json operator_json(const OperatorFigures& figures) {
  return {{"name", figures.name},
          {"op", figures.op},
          {"detail", figures.detail},
          {"inputs", figures.inputs},
          {"seed_width", figures.seed_width},
          {"learned_width", figures.learned_width},
          {"has_weights", figures.has_weights},
          {"removed", figures.removed}};
}

json epoch_json(const EpochFigures& epoch) {
  json object = {
      {"epoch", epoch.epoch}, {"loss", number(epoch.loss)}, {"cost", numbers(epoch.cost)}};
  set_if(object, "test_loss", epoch.test_loss);
  set_if(object, "test_top1", epoch.test_top1);
  if (!epoch.target.empty()) object["targets"] = numbers(epoch.target);
  if (!epoch.strength.empty()) object["strengths"] = numbers(epoch.strength);
  if (epoch.gates) object["gates"] = to_json(*epoch.gates);
  set_if(object, "learning_rate", epoch.learning_rate);
  return object;
}

json phase_json(const Phase& phase) {
  json epochs = json::array();
  for (const EpochFigures& epoch : phase.epochs) epochs.push_back(epoch_json(epoch));
  return {{"name", phase.name}, {"budget", numbers(phase.budget)}, {"epochs", epochs}};
}

json pinned_json(const Pinned& pinned) {
  return {{"layer", pinned.layer}, {"reason", pinned.reason}};
}

template <typename Item>
json list_json(const std::vector<Item>& items, json (*one)(const Item&)) {
  json list = json::array();
  for (const Item& item : items) list.push_back(one(item));
  return list;
}

/// A place in the JSON with its path, for messages.
class Field {
 public:
  Field(const json& value, std::string path) : value_(value), path_(std::move(path)) {}

  Field at(const char* key) const {
    expect(value_.is_object(), "an object");
    const auto found = value_.find(key);
    if (found == value_.end()) throw Error(cat("run report: ", child(key), " is missing"));
    return {*found, child(key)};
  }

  bool has(const char* key) const {
    expect(value_.is_object(), "an object");
    return value_.contains(key);
  }

  std::string text() const {
    expect(value_.is_string(), "a string");
    return value_.get<std::string>();
  }

  int64_t whole() const {
    expect(value_.is_number_integer(), "an integer");
    return value_.get<int64_t>();
  }

  bool truth() const {
    expect(value_.is_boolean(), "true or false");
    return value_.get<bool>();
  }

  double real() const {
    if (value_.is_null()) return std::numeric_limits<double>::quiet_NaN();
    expect(value_.is_number(), "a number or null");
    return value_.get<double>();
  }

  std::optional<double> real_if(const char* key) const {
    return has(key) ? std::optional(at(key).real()) : std::nullopt;
  }

  template <typename Read>
  auto list(Read read) const {
    expect(value_.is_array(), "a list");
    std::vector<decltype(read(*this))> items;
    for (size_t i = 0; i < value_.size(); ++i) {
      items.push_back(read(Field(value_[i], cat(path_, "[", i, "]"))));
    }
    return items;
  }

  template <typename Read>
  auto map(Read read) const {
    expect(value_.is_object(), "an object");
    std::map<std::string, decltype(read(*this))> entries;
    for (const auto& [key, value] : value_.items()) entries[key] = read(Field(value, child(key)));
    return entries;
  }

  /// The map of numbers at `key`, or an empty one where there is none.
  std::map<std::string, double> reals_if(const char* key) const {
    if (!has(key)) return {};
    return at(key).map([](const Field& field) { return field.real(); });
  }

 private:
  std::string child(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }

  void expect(bool holds, const char* kind) const {
    if (holds) return;
    std::string got = value_.dump();
    if (got.size() > 40) got = cat("JSON of type ", value_.type_name());
    throw Error(cat(
        "run report: ", path_.empty() ? "the whole" : path_, ": expected ", kind, ", got ", got));
  }

  const json& value_;
  std::string path_;
};

std::string read_text(const Field& field) { return field.text(); }
double read_real(const Field& field) { return field.real(); }
int64_t read_whole(const Field& field) { return field.whole(); }

NetworkFigures read_network(const Field& field) {
  NetworkFigures network;
  network.name = field.at("name").text();
  network.costs = field.at("costs").map(read_real);
  network.resources = field.reals_if("resources");
  network.top1 = field.real_if("top1");
  network.epochs = field.at("epochs").whole();
  network.note = field.at("note").text();
  return network;
}

LayerFigures read_layer(const Field& field) {
  LayerFigures layer;
  layer.name = field.at("name").text();
  layer.op = field.at("op").text();
  layer.group = field.at("group").text();
  layer.seed_width = field.at("seed_width").whole();
  layer.learned_width = field.at("learned_width").whole();
  if (field.has("expanded_width")) layer.expanded_width = field.at("expanded_width").whole();
  layer.seed_cost = field.at("seed_cost").map(read_real);
  layer.learned_cost = field.at("learned_cost").map(read_real);
  layer.pinned = field.at("pinned").text();
  layer.removed = field.at("removed").truth();
  return layer;
}

OperatorFigures read_operator(const Field& field) {
  OperatorFigures figures;
  figures.name = field.at("name").text();
  figures.op = field.at("op").text();
  figures.detail = field.at("detail").text();
  figures.inputs = field.at("inputs").list(read_whole);
  figures.seed_width = field.at("seed_width").whole();
  figures.learned_width = field.at("learned_width").whole();
  figures.has_weights = field.at("has_weights").truth();
  figures.removed = field.at("removed").truth();
  return figures;
}

/// Every operator after its inputs, as the drawing takes for granted.
std::vector<OperatorFigures> read_graph(const Field& field) {
  std::vector<OperatorFigures> graph = field.list(read_operator);
  for (size_t i = 0; i < graph.size(); ++i) {
    for (const int64_t input : graph[i].inputs) {
      if (input >= 0 && static_cast<size_t>(input) < i) continue;
      throw Error(
          cat("run report: graph[", i, "].inputs: expected operators before it, got ", input));
    }
  }
  return graph;
}

GateHistogram read_gates(const Field& field) {
  return {.lowest = field.at("lowest").real(),
          .per_decade = field.at("per_decade").whole(),
          .counts = field.at("counts").list(read_whole)};
}

EpochFigures read_epoch(const Field& field) {
  EpochFigures epoch;
  epoch.epoch = field.at("epoch").whole();
  epoch.loss = field.at("loss").real();
  epoch.test_loss = field.real_if("test_loss");
  epoch.test_top1 = field.real_if("test_top1");
  epoch.cost = field.at("cost").map(read_real);
  epoch.target = field.reals_if("targets");
  epoch.strength = field.reals_if("strengths");
  if (field.has("gates")) epoch.gates = read_gates(field.at("gates"));
  epoch.learning_rate = field.real_if("learning_rate");
  return epoch;
}

Phase read_phase(const Field& field) {
  return {field.at("name").text(),
          field.at("budget").map(read_real),
          field.at("epochs").list(read_epoch)};
}

Pinned read_pinned(const Field& field) {
  return {field.at("layer").text(), field.at("reason").text()};
}

}  // namespace

json to_json(const GateHistogram& gates) {
  return {{"lowest", gates.lowest}, {"per_decade", gates.per_decade}, {"counts", gates.counts}};
}

GateHistogram gates_from_json(const json& value) { return read_gates(Field(value, "gates")); }

json to_json(const RunReport& run) {
  json object = {{"title", run.title},
                 {"command", run.command},
                 {"started", run.started},
                 {"device", run.device},
                 {"data", run.data},
                 {"budget", run.budget},
                 {"versions", run.versions},
                 {"settings", run.settings},
                 {"notes", run.notes}};
  object["networks"] = list_json(run.networks, network_json);
  object["layers"] = list_json(run.layers, layer_json);
  if (!run.graph.empty()) object["graph"] = list_json(run.graph, operator_json);
  object["phases"] = list_json(run.phases, phase_json);
  object["pinned"] = list_json(run.pinned, pinned_json);
  set_if(object, "seconds", run.seconds);
  set_if(object, "equivalence", run.equivalence);
  set_if(object, "threshold", run.threshold);
  return object;
}

RunReport report_from_json(const json& value) {
  const Field field(value, "");
  RunReport run;
  run.title = field.at("title").text();
  run.command = field.at("command").text();
  run.started = field.at("started").text();
  run.seconds = field.real_if("seconds");
  run.device = field.at("device").text();
  run.data = field.at("data").text();
  run.budget = field.at("budget").text();
  run.versions = field.at("versions").map(read_text);
  run.settings = field.at("settings").map(read_text);
  run.networks = field.at("networks").list(read_network);
  run.layers = field.at("layers").list(read_layer);
  if (field.has("graph")) run.graph = read_graph(field.at("graph"));
  run.phases = field.at("phases").list(read_phase);
  run.pinned = field.at("pinned").list(read_pinned);
  run.notes = field.at("notes").list(read_text);
  run.equivalence = field.real_if("equivalence");
  run.threshold = field.real_if("threshold");
  return run;
}

}  // namespace morph
