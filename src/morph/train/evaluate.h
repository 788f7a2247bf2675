#pragma once

#include "morph/train/trainer.h"

namespace morph {

/// evaluate() with batches of the caller's, which can then serve several evaluations.
Evaluation evaluate(GraphModule& module, BatchSource& batches);

/// The batch's images as the module takes them fastest: on its device, in its memory order. Copies
/// from page-locked memory do not wait.
at::Tensor move_images(const GraphModule& module, const at::Tensor& images);

/// Sets a module's mode for as long as it lives.
class ModeScope {
 public:
  enum class Mode { kTraining, kEvaluation };

  ModeScope(GraphModule& module, Mode mode) : module_(module), was_training_(module.training()) {
    module_.set_training(mode == Mode::kTraining);
  }
  ~ModeScope() { module_.set_training(was_training_); }
  ModeScope(const ModeScope&) = delete;
  ModeScope& operator=(const ModeScope&) = delete;

 private:
  GraphModule& module_;
  bool was_training_;
};

}  // namespace morph
