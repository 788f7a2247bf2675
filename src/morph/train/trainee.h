#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "morph/data/batches.h"
#include "morph/nn/channel_padding.h"
#include "morph/nn/graph_module.h"
#include "morph/train/flat_parameters.h"
#include "morph/train/sgd.h"
#include "morph/train/trainer.h"
#include "morph/train/training_step.h"

namespace morph {

/// A network as it is trained: with its parameters in one buffer, an optimizer, and what a step
/// does. Where its widths are padded (TrainOptions::pad_channels) a copy is trained, in which what
/// was added stays zero, and copy_back() brings the network up to date.
class Trainee {
 public:
  /// `module` and `batches` must outlive it. Never pads where `as_it_is`.
  Trainee(GraphModule& module, BatchSource& batches, const TrainOptions& options, bool as_it_is);

  bool is_padded() const { return padding_.has_value(); }

  /// What steps are done with: the network itself, or its padded copy.
  GraphModule& module() { return padded_ ? *padded_ : original_; }

  TrainingStep& step() { return *step_; }

  /// Gives the network the values of its padded copy, if there is one.
  void copy_back();

  /// What a checkpoint holds of it, in the shapes of the network whether it is padded or not:
  /// weights and running statistics by their names, and momentum by `optim.momentum.` and the name.
  std::map<std::string, at::Tensor> state();

  /// Sets one of state(), in the shape that it has there.
  void set_state(const std::string& name, const at::Tensor& value);

 private:
  at::Tensor mask() const;
  at::Tensor unpadded(const std::string& name, const at::Tensor& tensor) const;

  GraphModule& original_;
  std::optional<ChannelPadding> padding_;
  std::optional<GraphModule> padded_;
  std::unique_ptr<FlatParameters> flat_;
  std::unique_ptr<Sgd> sgd_;
  std::unique_ptr<TrainingStep> step_;
};

}  // namespace morph
