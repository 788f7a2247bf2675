#include "morph/learn/session.h"

#include <ATen/core/grad_mode.h>

#include "morph/base/error.h"
#include "morph/checkpoint/safetensors.h"
#include "morph/cost/network_cost.h"
#include "morph/learn/event_writer.h"

namespace morph {
namespace {

constexpr const char* kWeights = "weights.safetensors";

nlohmann::json describe(const TrainSummary& summary) {
  nlohmann::json epochs = nlohmann::json::array();
  for (const EpochReport& report : summary.epochs) epochs.push_back(describe(report));
  return {{"epochs", epochs},
          {"loss", summary.final.loss},
          {"top1", summary.final.top1},
          {"examples", summary.final.examples}};
}

TrainSummary parse_summary(const nlohmann::json& json) {
  TrainSummary summary;
  for (const nlohmann::json& report : json.at("epochs")) {
    summary.epochs.push_back(parse_epoch_report(report));
  }
  summary.final = {.loss = json.at("loss").is_number() ? json.at("loss").get<double>() : 0,
                   .top1 = json.at("top1").get<double>(),
                   .examples = json.at("examples").get<int64_t>()};
  return summary;
}

void load_weights(GraphModule& module, const std::filesystem::path& path) {
  const at::NoGradGuard no_grad;
  const TensorFile file = read_safetensors(path);
  check_params(module.graph(), file.tensors);
  for (const auto& [name, tensor] : module.params()) {
    at::Tensor(tensor).copy_(file.tensors.at(name));
  }
}

}  // namespace

Params snapshot(const GraphModule& module) {
  Params copies;
  for (const auto& [name, tensor] : module.params()) {
    // In one memory order, so that a resumed run computes with what an uninterrupted one does.
    copies[name] = tensor.detach().to(at::kCPU).clone(at::MemoryFormat::Contiguous);
  }
  return copies;
}

std::map<std::string, double> measure_costs(const Graph& graph,
                                            const std::vector<std::string>& more) {
  std::vector<std::string> names = default_cost_names();
  names.insert(names.end(), more.begin(), more.end());
  std::map<std::string, double> costs;
  for (const std::string& name : names) {
    costs[name] = network_cost(graph, *make_cost_model(name));
  }
  return costs;
}

GraphModule make_teacher(const Network& network, c10::Device device) {
  Params values = *network.params;
  for (auto& [name, tensor] : values) tensor = tensor.clone();
  GraphModule teacher(network.graph, std::move(values));
  teacher.to(device);
  teacher.set_training(false);
  return teacher;
}

void log_options(const Session& session, const nlohmann::json& options) {
  if (!session.tensorboard) return;
  LogEvent event = {.wall_time = wall_time(), .hyper_parameters = hyper_parameters_of(options)};
  event.hyper_parameters["data"] = session.data.name;
  EventLog(event_file(session.folder, ""), 0).add(event);
}

void log_structure(const Session& session, const std::string& name, const Structure& structure) {
  if (!session.tensorboard) return;
  LogEvent event = {.wall_time = wall_time()};
  std::string table = "| layer | seed | left |\n|---|---|---|\n";
  for (const auto& [layer, figures] : structure.layers) {
    event.scalars["width/" + layer] = static_cast<double>(figures.alive_width());
    table += cat("| ", layer, " | ", figures.seed_width(), " | ", figures.alive_width(), " |\n");
  }
  event.texts["widths"] = table;
  EventLog(event_file(session.folder, name), 0).add(event);
}

TrainSummary run_phase(const Session& session, GraphModule& module, const TrainingPhase& phase) {
  const std::filesystem::path folder = session.folder.phase(phase.name);
  if (const auto outcome = session.folder.finished_phase(phase.name)) {
    session.out << phase.name << "  done before\n";
    load_weights(module, folder / kWeights);
    try {
      return parse_summary(*outcome);
    } catch (const nlohmann::json::exception& e) {
      throw Error(cat("the outcome in '",
                      folder.string(),
                      "' is damaged: ",
                      e.what(),
                      ". Remove that folder to run the phase again"));
    }
  }
  ProgressPrinter printer(
      session.out, {.label = phase.name, .target = session.target, .columns = session.columns});
  Trainer trainer(module, session.data, phase.options);
  trainer.set_penalty(phase.penalty);
  trainer.set_teacher(phase.teacher);
  for (Callback* callback : phase.callbacks) trainer.add_callback(callback);
  EventWriter events(event_file(session.folder, phase.name));
  if (session.tensorboard) trainer.add_callback(&events);
  trainer.add_callback(&printer);
  trainer.checkpoint_to(folder);
  trainer.stop_when(session.stop);
  if (trainer.resume_from(folder)) session.out << phase.name << "  going on from its checkpoint\n";
  const TrainSummary summary = trainer.run();
  write_safetensors(folder / kWeights, {.tensors = snapshot(module)});
  session.folder.finish_phase(phase.name, describe(summary));
  return summary;
}

}  // namespace morph
