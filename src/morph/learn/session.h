#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <c10/core/Device.h>
#include <nlohmann/json_fwd.hpp>

#include "morph/analysis/structure.h"
#include "morph/checkpoint/network_file.h"
#include "morph/data/dataset.h"
#include "morph/learn/run_folder.h"
#include "morph/nn/graph_module.h"
#include "morph/train/progress.h"
#include "morph/train/trainer.h"

namespace morph {

/// Where a run happens: its data, device and folder, and where it reports to.
struct Session {
  DataSplits data = {};
  c10::Device device = c10::Device(c10::kCPU);
  const RunFolder& folder;
  std::ostream& out;
  ProgressTarget target = ProgressTarget::kPlain;
  size_t columns = 100;
  bool tensorboard = false;                 ///< Write events for TensorBoard into the folder.
  const std::atomic<bool>* stop = nullptr;  ///< Set when the user wants to stop; may be nullptr.
};

/// A stretch of training.
struct TrainingPhase {
  std::string name = {};  ///< Also of its checkpoint folder: "structure-1".
  TrainOptions options = {};
  const GraphModule* teacher = nullptr;   ///< For TrainOptions::distillation; not owned.
  Penalty* penalty = nullptr;             ///< Not owned; nullptr for none.
  std::vector<Callback*> callbacks = {};  ///< Told before progress is printed; not owned.
};

/// Trains `module` and returns how it went. A phase that ended in an earlier call is not run again:
/// its weights are loaded. One that was interrupted goes on where it was.
TrainSummary run_phase(const Session& session, GraphModule& module, const TrainingPhase& phase);

/// A module that teaches: on `device`, in evaluation mode. `network` must have weights.
GraphModule make_teacher(const Network& network, c10::Device device);

/// Writes what the run was asked for as TensorBoard's hyperparameters, if the session wants that.
void log_options(const Session& session, const nlohmann::json& options);

/// Writes what is left of each layer for TensorBoard, if the session wants that: scalars
/// "width/LAYER" and a table, as the run `name`.
void log_structure(const Session& session, const std::string& name, const Structure& structure);

/// The weights of a module on the CPU, as a copy.
Params snapshot(const GraphModule& module);

/// What a network costs, by resource: those that are always reported, and `more`.
std::map<std::string, double> measure_costs(const Graph& graph,
                                            const std::vector<std::string>& more = {});

}  // namespace morph
