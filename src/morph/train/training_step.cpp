#include "morph/train/training_step.h"

#include <optional>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include "morph/base/error.h"
#include "morph/train/autocast.h"
#include "morph/train/evaluate.h"

namespace morph {
namespace {

// Libraries choose their algorithms and take their memory in the first steps.
constexpr int64_t kWarmSteps = 3;

at::Tensor schedule(const TrainOptions& options, int64_t steps_per_epoch) {
  std::vector<float> rates;
  const int64_t steps = options.epochs * steps_per_epoch;
  rates.reserve(static_cast<size_t>(steps));
  for (int64_t step = 0; step < steps; ++step) {
    rates.push_back(static_cast<float>(learning_rate_at(options, step, steps_per_epoch)));
  }
  return at::tensor(rates);
}

}  // namespace

bool uses_mixed_precision(const GraphModule& module, const TrainOptions& options) {
  return options.mixed_precision && module.device().is_cuda();
}

TrainingStep::TrainingStep(const Parts& parts, const TrainOptions& options)
    : parts_(parts), options_(options) {
  const auto on_device = at::TensorOptions().device(parts.module.device());
  schedule_ = schedule(options, parts.batches.batches()).to(parts.module.device());
  done_ = at::zeros({1}, on_device.dtype(at::kLong));
  totals_ = at::zeros({3}, on_device.dtype(at::kDouble));
}

void TrainingStep::start_at(int64_t steps) { done_.fill_(steps); }

void TrainingStep::run(int64_t examples) {
  const bool on_gpu = parts_.module.device().is_cuda() && !options_.eager;
  if (on_gpu && examples == options_.batch_size) {
    run_on_gpu();
  } else {
    const std::optional<Batch> batch = parts_.batches.next();
    MORPH_CHECK(batch && batch->labels.size(0) == examples);
    step(*batch);
  }
}

void TrainingStep::run_on_gpu() {
  CudaRuntime& cuda = cuda_runtime(parts_.module.device());
  BatchSource& batches = parts_.batches;
  if (!batches.is_on_device()) feed();
  const auto whole_step = [&] { step(batches.is_on_device() ? *batches.next() : fed_); };
  if (warm_steps_ < kWarmSteps) {
    ++warm_steps_;
    cuda.warm_up(whole_step);
    return;
  }
  if (recorded_ == nullptr) {
    recorded_ = record(whole_step);
  } else if (batches.is_on_device()) {
    batches.skip();
  }
  recorded_->replay();
}

std::unique_ptr<CapturedStep> TrainingStep::record(const std::function<void()>& step) const {
  try {
    return cuda_runtime(parts_.module.device()).capture(step);
  } catch (const Error& error) {
    throw Error(cat(error.what(),
                    ". Something in the step waits for the GPU; train with --eager "
                    "(TrainOptions::eager), which records nothing"));
  }
}

/// Copies the next batch of the host to where a recorded step looks for it.
void TrainingStep::feed() {
  const std::optional<Batch> batch = parts_.batches.next();
  MORPH_CHECK(batch.has_value());
  if (!fed_.images.defined()) {
    const auto device = parts_.module.device();
    fed_ = {.images = at::zeros_like(batch->images, batch->images.options().device(device)),
            .labels = at::zeros_like(batch->labels, batch->labels.options().device(device))};
  }
  fed_.images.copy_(batch->images, /*non_blocking=*/true);
  fed_.labels.copy_(batch->labels, /*non_blocking=*/true);
}

at::Tensor TrainingStep::forward(const GraphModule& module, const at::Tensor& images) const {
  std::optional<Autocast> autocast;
  if (uses_mixed_precision(module, options_)) autocast.emplace();
  return module.forward(images).to(at::kFloat);
}

/// T² · KL(teacher ‖ network), the mean over the batch.
at::Tensor TrainingStep::distance_to_teacher(const at::Tensor& logits,
                                             const at::Tensor& images) const {
  const auto log_shares = [&](const at::Tensor& outputs) {
    return at::log_softmax(outputs / options_.temperature, 1);
  };
  const at::Tensor wanted = [&] {
    const c10::NoGradGuard no_grad;
    return log_shares(forward(*teacher_, images));
  }();
  const at::Tensor distance = (wanted.exp() * (wanted - log_shares(logits))).sum(1).mean();
  return options_.temperature * options_.temperature * distance;
}

at::Tensor TrainingStep::task_loss(const at::Tensor& logits, const Batch& batch) const {
  const at::Tensor of_labels = at::cross_entropy_loss(logits,
                                                      batch.labels,
                                                      {},
                                                      at::Reduction::Mean,
                                                      /*ignore_index=*/-100,
                                                      options_.label_smoothing);
  const double weight = options_.distillation;
  if (weight == 0) return of_labels;
  return (1 - weight) * of_labels + weight * distance_to_teacher(logits, batch.images);
}

void TrainingStep::step(const Batch& batch) {
  const at::Tensor images = move_images(parts_.module, batch.images);
  const at::Tensor labels = batch.labels.to(done_.options(), /*non_blocking=*/true, /*copy=*/false);
  parts_.flat.zero_grads();
  const at::Tensor logits = forward(parts_.module, images);
  const at::Tensor loss = task_loss(logits, {.images = images, .labels = labels});
  loss.backward();
  if (penalty_ != nullptr) totals_.select(0, 2).add_(penalty_->add_gradient().detach());
  const c10::NoGradGuard no_grad;
  const at::Tensor rate = schedule_.index_select(0, done_);
  parts_.sgd.step(rate);
  if (penalty_ != nullptr) penalty_->after_update(rate);
  done_.add_(1);
  totals_.select(0, 0).add_(loss, labels.size(0));
  totals_.select(0, 1).add_(at::argmax(logits, 1).eq(labels).sum());
}

}  // namespace morph
