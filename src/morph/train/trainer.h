#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/data/batches.h"
#include "morph/data/dataset.h"
#include "morph/nn/graph_module.h"

namespace morph {

/// How to train. The defaults are those that did best in the project's own experiments.
struct TrainOptions {
  int64_t epochs = 30;
  int64_t batch_size = 128;
  double learning_rate = 0.1;  ///< At the peak.
  double final_rate = 0.0;     ///< At the end, as a share of the peak: cosine from 1 to this.
  double warmup_epochs = 1;    ///< Linear from 0 to the peak.
  double momentum = 0.9;       ///< Nesterov.
  double weight_decay = 5e-4;
  bool decay_scales = true;      ///< Weight decay on BN scales as on all else; see LearnOptions.
  double label_smoothing = 0.0;  ///< Share of the target spread evenly over all classes.
  double distillation = 0.0;  ///< Weight w of the teacher's word (Trainer::set_teacher): the loss
                              ///< is (1 − w) · cross-entropy + w · T² · KL(teacher ‖ network),
                              ///< both of their outputs divided by T (Hinton et al. 2015).
  double temperature = 4.0;  ///< T.
  int64_t crop_padding = 0;
  bool flip = true;
  bool mixed_precision = false;  ///< bf16 autocast; no effect but on CUDA.
  bool eager = false;  ///< Launch every kernel of every step from the host; else, on CUDA, a step
                       ///< is recorded once as a CUDA graph and replayed. No effect but on CUDA.
  std::optional<int64_t> pad_channels = {};  ///< While training, widths are padded with zeros to
                                             ///< multiples of this where that changes nothing and
                                             ///< there is no penalty (ChannelPadding); 1 for never.
                                             ///< By default 8, but 1 in full precision on CUDA.
  uint64_t seed = 0;
  int64_t workers = 1;
};

/// Throws Error naming the first option that is out of range, its value and the range.
void validate(const TrainOptions& options);

/// The options as JSON, by the names of the fields.
nlohmann::json describe(const TrainOptions& options);

/// The names in there of what makes a run faster or slower and nothing else: it may be gone on with
/// by other values of them.
const std::set<std::string>& settings_of_speed();

/// The learning rate of optimizer step `step` (from 0) of a run. With W = warmup_epochs ·
/// steps_per_epoch and T = epochs · steps_per_epoch:
///
///     rate(s) = peak · (s + 1) / W                                            for s + 1 ≤ W
///     rate(s) = peak · (f + (1 − f) · (1 + cos(π · (s − W) / (T − W))) / 2)   after it
///
/// with f = final_rate; peak where W lies between s and s + 1.
double learning_rate_at(const TrainOptions& options, int64_t step, int64_t steps_per_epoch);

/// Loss and accuracy over a data set.
struct Evaluation {
  double loss = 0;  ///< Mean cross-entropy, without label smoothing.
  double top1 = 0;  ///< Share of examples whose class has the largest output, in percent.
  int64_t examples = 0;
};

/// One epoch of training as it went.
struct EpochReport {
  int64_t epoch = 0;         ///< From 1.
  int64_t epochs = 0;        ///< In the run.
  double loss = 0;           ///< Mean task loss over the epoch.
  double penalty = 0;        ///< Mean penalty added to it.
  double learning_rate = 0;  ///< At the end of the epoch.
  double train_top1 = 0;     ///< Percent, on the augmented batches as they were trained on.
  Evaluation test = {};
  double seconds = 0;  ///< Wall time of the training part.
  double images_per_second = 0;
  nlohmann::json extra = nlohmann::json::object();  ///< What callbacks add: cost, strength, …
};

/// The report as JSON, by the names of the fields, and back. A value that is not finite is null.
nlohmann::json describe(const EpochReport& report);
EpochReport parse_epoch_report(const nlohmann::json& json);

/// What is known of a run in the middle of an epoch, for progress lines.
struct StepReport {
  int64_t epoch = 0;   ///< From 1.
  int64_t epochs = 0;  ///< In the run.
  int64_t step = 0;    ///< Steps done in the epoch.
  int64_t steps = 0;   ///< In the epoch.
  double loss = 0;     ///< Mean over the epoch so far.
  double top1 = 0;
  double images_per_second = 0;
  double eta_seconds = 0;  ///< To the end of the run.
};

/// Told of a run as it goes; every method has an empty default. Callbacks are told in the order
/// they were added, so one that prints what others add to a report comes last.
class Callback {
 public:
  virtual ~Callback() = default;

  /// Told about twice a second, at the end of each epoch, and after a checkpoint within one. When
  /// is a matter of wall time: nothing that the training depends on may be done here.
  virtual void on_step(const StepReport&) {}

  /// Told before the first step of an epoch; not again when a run goes on from within it.
  virtual void on_epoch_start(int64_t /*epoch*/) {}

  /// Told after the evaluation that ends an epoch.
  virtual void on_epoch(EpochReport& /*report*/) {}

  /// Asked after every epoch: true ends the run as if that epoch had been its last.
  virtual bool is_done() const { return false; }

  /// Extra state that belongs into a checkpoint, and its way back; null for none.
  virtual nlohmann::json save() const { return nullptr; }
  virtual void restore(const nlohmann::json&) {}
};

/// What is added to the loss. Knows its own strength and may change it between steps.
class Penalty {
 public:
  virtual ~Penalty() = default;

  /// Adds the penalty's gradient into the .grad of the parameters after backward(), and returns its
  /// value as a scalar on the device. Gradients may be recorded when it is called. On a GPU it may
  /// be recorded once and replayed for every step, so it must not make the host wait, and what
  /// changes from step to step (a strength) must be a tensor on the device.
  virtual at::Tensor add_gradient() = 0;

  /// Changes parameters after the optimizer's step, whose rate was `rate`, float [1]: a proximal
  /// step. May be recorded like add_gradient().
  virtual void after_update(const at::Tensor& /*rate*/) {}

  /// Told on the host after every step, with how many there have been in the run. Never recorded;
  /// the place to read from the device now and then and to set strengths.
  virtual void after_step(int64_t /*steps*/) {}
};

/// A whole run: its epochs, and the evaluation after the last one.
struct TrainSummary {
  std::vector<EpochReport> epochs = {};
  Evaluation final = {};
};

/// Thrown by Trainer::run() when it was asked to stop.
class Interrupted : public Error {
 public:
  using Error::Error;
};

/// Trains one network on one data set: SGD with Nesterov momentum, warm-up and cosine schedule.
/// Knows nothing of structure learning: a penalty is an object it is given, so training a seed,
/// learning a structure and retraining from scratch are one code path.
class Trainer {
 public:
  /// `module` is trained in place and must outlive the trainer; it stays on the device it is on.
  /// Its parameters become views of one buffer, which ends the use of an older trainer of the same
  /// module; where a copy with padded channels is trained in its stead (TrainOptions::pad_channels)
  /// it is brought up to date at the end of each epoch. Throws Error if the options are out of
  /// range or the data do not fit the network.
  Trainer(GraphModule& module, const DataSplits& data, const TrainOptions& options);
  ~Trainer();

  void set_penalty(Penalty* penalty);     ///< Not owned; nullptr for none.
  void add_callback(Callback* callback);  ///< Not owned.

  /// The network whose outputs are learned beside the labels where TrainOptions::distillation is
  /// above 0: in evaluation mode, on the same device, with the same input and output shape. Not
  /// owned; its forward pass is part of every step.
  void set_teacher(const GraphModule* teacher);

  /// A checkpoint is written to `folder` after each epoch, and every `minutes` within one. Throws
  /// Error if the folder cannot be made or written into.
  void checkpoint_to(std::filesystem::path folder, double minutes = 5);

  /// Goes on from a checkpoint in `folder` if there is one; true if so. Callbacks with state must
  /// have been added before. Throws Error if it is damaged or of another network, other data or
  /// other options (the number of workers may differ).
  bool resume_from(const std::filesystem::path& folder);

  /// run() ends after the step in which `*stop` has become true: it writes a checkpoint, if there
  /// is a folder for them, and throws Interrupted. A signal handler may set it. Not owned.
  void stop_when(const std::atomic<bool>* stop);

  /// Trains to the last epoch, or to the one after which a callback is done. Throws Error if the
  /// loss is no longer finite.
  TrainSummary run();

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// Evaluates in eval mode, leaving the module in the mode it was in.
Evaluation evaluate(GraphModule& module,
                    const Dataset& data,
                    const Normalization& normalization,
                    int64_t batch_size = 256);

}  // namespace morph
