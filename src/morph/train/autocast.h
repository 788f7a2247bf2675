#pragma once

namespace morph {

/// While one lives, LibTorch runs convolutions and dense layers on CUDA in bfloat16, on this
/// thread. Casts of weights are kept for its lifetime only, so there is one for each forward pass.
class Autocast {
 public:
  Autocast();
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool was_enabled_;
};

}  // namespace morph
