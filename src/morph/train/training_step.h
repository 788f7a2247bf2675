#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <ATen/core/Tensor.h>

#include "morph/data/batches.h"
#include "morph/nn/device.h"
#include "morph/nn/graph_module.h"
#include "morph/train/flat_parameters.h"
#include "morph/train/sgd.h"
#include "morph/train/trainer.h"

namespace morph {

/// What one step of a training run does: batch, forward, loss, backward, penalty, update. All that
/// changes from step to step is on the device: the learning rate is looked up in the run's schedule
/// by a counter there. So on a GPU the first steps run as they are, one is recorded as a CUDA
/// graph, and the rest are replays of it, which cost the host next to nothing. A batch of another
/// size (the last of an epoch) is always launched from the host.
class TrainingStep {
 public:
  /// What it works on; all must outlive it. `batches` is at the first batch of the run.
  struct Parts {
    GraphModule& module;
    BatchSource& batches;
    FlatParameters& flat;
    Sgd& sgd;
  };

  TrainingStep(const Parts& parts, const TrainOptions& options);

  void set_penalty(Penalty* penalty) {
    penalty_ = penalty;
  }  ///< Not owned; before the first run().

  /// Not owned; before the first run(), where TrainOptions::distillation asks for one.
  void set_teacher(const GraphModule* teacher) { teacher_ = teacher; }

  /// Says that `steps` steps of the run are done.
  void start_at(int64_t steps);

  /// Takes the next batch, of `examples`, and does one step.
  void run(int64_t examples);

  /// Double [3] on the device, added up over steps: loss times examples, examples classified
  /// correctly, penalty.
  const at::Tensor& totals() const { return totals_; }

 private:
  void run_on_gpu();
  std::unique_ptr<CapturedStep> record(const std::function<void()>& step) const;
  void feed();
  void step(const Batch& batch);
  at::Tensor forward(const GraphModule& module, const at::Tensor& images) const;
  at::Tensor task_loss(const at::Tensor& logits, const Batch& batch) const;
  at::Tensor distance_to_teacher(const at::Tensor& logits, const at::Tensor& images) const;

  Parts parts_;
  TrainOptions options_;
  Penalty* penalty_ = nullptr;
  const GraphModule* teacher_ = nullptr;
  at::Tensor schedule_;  // Float [steps of the run].
  at::Tensor done_;      // Long [1]: steps done.
  at::Tensor totals_;
  Batch fed_;               // Where a recorded step finds a batch that the host prepared.
  int64_t warm_steps_ = 0;  // Steps run on the stream that is recorded on.
  std::unique_ptr<CapturedStep> recorded_;  // Last: it goes before the tensors it reads.
};

/// True if training `module` with these options runs in bfloat16 where that is safe.
bool uses_mixed_precision(const GraphModule& module, const TrainOptions& options);

}  // namespace morph
