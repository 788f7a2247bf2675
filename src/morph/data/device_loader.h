#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include "morph/data/batches.h"

namespace morph {

/// Batches of a data set that lives on a device, as bytes: they are gathered, cropped, mirrored and
/// normalised there, by a fixed number of kernels, and are equal to a Loader's bit by bit. The host
/// gives the order and the views of an epoch once, at its start.
class DeviceLoader final : public BatchSource {
 public:
  /// Reads all of `data`, which is not kept. Throws Error as Loader does.
  DeviceLoader(const Dataset& data, const BatchOptions& options, c10::Device device);

  int64_t batches() const override { return plan_.batches(); }
  int64_t examples() const override { return plan_.examples(); }
  void start_epoch(int64_t epoch, int64_t first = 0) override;
  std::optional<Batch> next() override;
  bool is_on_device() const override { return true; }
  void skip() override;

 private:
  at::Tensor look(const at::Tensor& pixels, const at::Tensor& views) const;

  EpochPlan plan_;
  BatchOptions options_;
  ImageShape shape_;
  at::Tensor pixels_;  // Byte [images, C, H·W].
  at::Tensor labels_;  // Long [images].
  at::Tensor table_;   // Float [C · 256]: what a byte of channel c means.
  at::Tensor page_;    // Long [C, 1]: where the channel's part of the table begins.
  at::Tensor ramp_;    // Long [batch size]: 0, 1, 2, …
  at::Tensor rows_;    // Long [H, 1]: 0, 1, 2, …, and alike [1, W].
  at::Tensor columns_;
  // The epoch: image, down, right and 1 if mirrored (see View), and which batch is next.
  at::Tensor views_;   // Long [images, 4].
  at::Tensor cursor_;  // Long [1].
  int64_t position_ = 0;
};

}  // namespace morph
