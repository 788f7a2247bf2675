#include "morph/ops/widening.h"

namespace morph {

Channels widened_channels(const ValueChannels& input, const Shape& shape, ChannelFlow& flow) {
  const bool is_single = shape.size() > 1 && input.channels.ids.size() == 1;
  if (!is_single || input.shape[1] != 1 || shape[1] == 1) return input.channels;
  return Channels::along(shape.size(), 1, flow.fresh(shape[1]));
}

}  // namespace morph
