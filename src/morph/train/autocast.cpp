#include "morph/train/autocast.h"

#include <ATen/autocast_mode.h>

namespace morph {

Autocast::Autocast() : was_enabled_(at::autocast::is_autocast_enabled(at::kCUDA)) {
  at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCUDA, true);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(at::kCUDA, was_enabled_);
}

}  // namespace morph
