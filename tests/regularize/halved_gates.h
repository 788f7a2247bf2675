#pragma once

#include <memory>
#include <string>
#include <utility>

#include <ATen/TensorOperators.h>

#include "morph/regularize/gates.h"

namespace morph {

/// The decorator of MorphNet's own tests: charges half of what gates of another kind say, and
/// judges as they do.
class HalvedGates final : public Gates {
 public:
  explicit HalvedGates(std::unique_ptr<Gates> inner)
      : Gates(inner->sites()), inner_(std::move(inner)) {}

  GateValues read() override {
    const GateValues values = inner_->read();
    return {.size = values.size * 0.5,
            .judged = values.judged.defined() ? values.judged : values.size};
  }

  void add_gradient(const at::Tensor& slopes) override { inner_->add_gradient(slopes * 0.5); }

 private:
  std::unique_ptr<Gates> inner_;
};

inline MakeGates halved(const std::string& kind) {
  return [kind](const GateContext& context) {
    return std::make_unique<HalvedGates>(make_gates(kind, context));
  };
}

}  // namespace morph
