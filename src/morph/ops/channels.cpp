#include "morph/ops/channels.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "morph/base/error.h"
#include "morph/ops/id_tensor.h"

namespace morph {

Channels Channels::uniform(size_t rank, ChannelId id) {
  return {.extents = Shape(rank, 1), .ids = {id}};
}

Channels Channels::along(size_t rank, size_t axis, std::vector<ChannelId> ids) {
  MORPH_CHECK(axis < rank && !ids.empty());
  Shape extents(rank, 1);
  extents[axis] = static_cast<int64_t>(ids.size());
  return {.extents = std::move(extents), .ids = std::move(ids)};
}

Channels Channels::expanded(const Shape& shape, const std::vector<bool>& axes) const {
  MORPH_CHECK(shape.size() == extents.size() && axes.size() == extents.size());
  Channels result = *this;
  for (size_t axis = 0; axis < extents.size(); ++axis) {
    if (!axes[axis] || extents[axis] == shape[axis]) continue;
    MORPH_CHECK(extents[axis] == 1);
    result = taken(result, axis, std::vector<int64_t>(static_cast<size_t>(shape[axis]), 0));
  }
  return result;
}

Channels Channels::compressed() const {
  Channels result = *this;
  for (size_t axis = 0; axis < extents.size(); ++axis) {
    if (!result.varies_along(axis)) continue;
    const auto extent = static_cast<size_t>(result.extents[axis]);
    const Channels first = taken(result, axis, std::vector<int64_t>{0});
    if (taken(first, axis, std::vector<int64_t>(extent, 0)).ids == result.ids) result = first;
  }
  return result;
}

std::vector<ChannelId> ChannelFlow::fresh(int64_t count) {
  MORPH_CHECK(count > 0 && count <= std::numeric_limits<ChannelId>::max() - sets_.size());
  std::vector<ChannelId> ids(static_cast<size_t>(count));
  std::generate(ids.begin(), ids.end(), [this] { return sets_.add(); });
  return ids;
}

void ChannelFlow::tie(std::span<const ChannelId> a, std::span<const ChannelId> b) {
  MORPH_CHECK(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) tie(a[i], b[i]);
}

void ChannelFlow::pin(std::span<const ChannelId> ids, std::string_view reason) {
  pins_.push_back({.ids = {ids.begin(), ids.end()}, .reason = std::string(reason)});
}

std::vector<ChannelId> ChannelFlow::along_axis(const Channels& value,
                                               const Shape& shape,
                                               size_t axis) {
  std::vector<bool> grown(shape.size(), false);
  grown.at(axis) = true;
  const Channels full = value.expanded(shape, grown);
  const AxisSplit split = split_at(full.extents, axis);
  std::vector<ChannelId> ids;
  for (size_t i = 0; i < split.extent; ++i) {
    ids.push_back(full.ids[i * split.inner]);
    for (size_t outer = 0; outer < split.outer; ++outer) {
      const size_t begin = (outer * split.extent + i) * split.inner;
      for (size_t k = begin; k < begin + split.inner; ++k) tie(ids.back(), full.ids[k]);
    }
  }
  return ids;
}

Channels ChannelFlow::merged(const Channels& value, const std::vector<bool>& axes) {
  Channels result = value;
  for (size_t axis = 0; axis < axes.size(); ++axis) {
    if (!axes[axis] || !result.varies_along(axis)) continue;
    const auto extent = static_cast<size_t>(result.extents[axis]);
    const Channels first = taken(result, axis, std::vector<int64_t>{0});
    tie(taken(first, axis, std::vector<int64_t>(extent, 0)).ids, result.ids);
    result = first;
  }
  return result;
}

Channels ChannelFlow::settle(const Channels& open, const std::vector<bool>& channel_axes) {
  std::vector<bool> others = channel_axes;
  others.flip();
  Channels result = merged(open, others);
  result.is_open = false;
  settled_.emplace(open.ids.front(), result.extents);
  return result;
}

Channels ChannelFlow::as_settled(const Channels& constant) const {
  const auto it = settled_.find(constant.ids.front());
  if (it == settled_.end()) return constant;
  Channels result = constant;
  for (size_t axis = 0; axis < it->second.size(); ++axis) {
    if (it->second[axis] == 1) result = taken(result, axis, std::vector<int64_t>{0});
  }
  return result;
}

void ChannelFlow::bind_output(std::string slot, size_t axis, std::vector<ChannelId> ids) {
  notes_.params.push_back({std::move(slot), axis, std::move(ids), true});
}

void ChannelFlow::bind_input(std::string slot, size_t axis, std::vector<ChannelId> ids) {
  notes_.params.push_back({std::move(slot), axis, std::move(ids), false});
}

void ChannelFlow::reads(std::vector<ChannelId> ids) {
  notes_.reads.insert(notes_.reads.end(), ids.begin(), ids.end());
}

void ChannelFlow::bind_value(std::string slot) { notes_.value_param = std::move(slot); }

NodeChannels ChannelFlow::take_notes() { return std::exchange(notes_, NodeChannels{}); }

}  // namespace morph
