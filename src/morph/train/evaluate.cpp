#include "morph/train/evaluate.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include "morph/train/flat_parameters.h"

namespace morph {

at::Tensor move_images(const GraphModule& module, const at::Tensor& images) {
  return images.to(images.options().device(module.device()), /*non_blocking=*/true, /*copy=*/false)
      .contiguous(images.dim() == 4 ? image_format(module) : at::MemoryFormat::Contiguous);
}

Evaluation evaluate(GraphModule& module, BatchSource& batches) {
  const ModeScope mode(module, ModeScope::Mode::kEvaluation);
  const c10::NoGradGuard no_grad;
  const at::TensorOptions on_device = at::TensorOptions().device(module.device());
  const at::Tensor loss = at::zeros({}, on_device.dtype(at::kDouble));
  const at::Tensor correct = at::zeros({}, on_device.dtype(at::kLong));
  int64_t examples = 0;
  batches.start_epoch(0);
  while (const std::optional<Batch> batch = batches.next()) {
    const at::Tensor logits = module.forward(move_images(module, batch->images)).to(at::kDouble);
    const at::Tensor labels =
        batch->labels.to(on_device.dtype(at::kLong), /*non_blocking=*/true, /*copy=*/false);
    loss.add_(at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum));
    correct.add_(at::argmax(logits, 1).eq(labels).sum());
    examples += labels.size(0);
  }
  const double count = static_cast<double>(examples);
  return {.loss = loss.item<double>() / count,
          .top1 = 100.0 * static_cast<double>(correct.item<int64_t>()) / count,
          .examples = examples};
}

Evaluation evaluate(GraphModule& module,
                    const Dataset& data,
                    const Normalization& normalization,
                    int64_t batch_size) {
  const std::shared_ptr<const Dataset> borrowed(std::shared_ptr<void>(), &data);
  const std::unique_ptr<BatchSource> batches = make_batches(borrowed,
                                                            {.batch_size = batch_size,
                                                             .normalization = normalization,
                                                             .pinned = module.device().is_cuda()},
                                                            module.device());
  return evaluate(module, *batches);
}

}  // namespace morph
