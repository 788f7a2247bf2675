#include "morph/learn/width_steps.h"

#include <algorithm>

#include "morph/analysis/channel_blocks.h"

namespace morph {
namespace {

size_t at(ChannelId set) { return static_cast<size_t>(set); }

int64_t multiple_below(int64_t width, int64_t step) { return width / step * step; }

}  // namespace

WidthSteps::WidthSteps(const Graph& graph,
                       const ChannelGroups& groups,
                       const Candidates& candidates,
                       int64_t round_to) {
  const ChannelBlocks blocks = find_channel_blocks(graph, groups);
  for (const int32_t block : blocks.block_of) lane_of_.push_back(static_cast<size_t>(block));
  for (const std::vector<ChannelId>& sets : blocks.sets) {
    Lane& lane = lanes_.emplace_back();
    const auto all = static_cast<int64_t>(sets.size());
    if (all >= round_to) lane.step = round_to;
    lane.widest = multiple_below(all, lane.step);
    for (const ChannelId set : sets) {
      if (candidates.removable[at(set)]) {
        lane.strongest_first.push_back(set);
      } else {
        ++lane.permanent;
      }
    }
    std::ranges::sort(lane.strongest_first, [&](ChannelId a, ChannelId b) {
      const double left = candidates.values[at(a)];
      const double right = candidates.values[at(b)];
      return left != right ? left > right : a > b;
    });
  }
}

int64_t WidthSteps::width(const std::vector<bool>& alive, const Lane& lane) const {
  return lane.permanent +
         std::ranges::count_if(lane.strongest_first, [&](ChannelId set) { return alive[at(set)]; });
}

void WidthSteps::set_width(std::vector<bool>& alive, const Lane& lane, int64_t width) const {
  int64_t left = width - lane.permanent;
  for (const ChannelId set : lane.strongest_first) alive[at(set)] = left-- > 0;
}

std::vector<bool> WidthSteps::nearest(std::vector<bool> alive) const {
  for (const Lane& lane : lanes_) {
    if (lane.step == 1) continue;
    const int64_t rounded = multiple_below(width(alive, lane) + lane.step / 2, lane.step);
    set_width(alive, lane, std::min(rounded, lane.widest));
  }
  return alive;
}

std::vector<bool> WidthSteps::upward(std::vector<bool> alive) const {
  for (const Lane& lane : lanes_) {
    const int64_t now = width(alive, lane);
    const int64_t rounded = multiple_below(now + lane.step - 1, lane.step);
    if (rounded > now && rounded <= lane.widest) set_width(alive, lane, rounded);
  }
  return alive;
}

std::optional<std::vector<bool>> WidthSteps::wider(std::vector<bool> alive, size_t lane) const {
  const int64_t now = width(alive, lanes_[lane]);
  const int64_t next = multiple_below(now, lanes_[lane].step) + lanes_[lane].step;
  if (next > lanes_[lane].widest) return std::nullopt;
  set_width(alive, lanes_[lane], next);
  return alive;
}

std::optional<std::vector<bool>> WidthSteps::narrower(std::vector<bool> alive, size_t lane) const {
  const int64_t now = width(alive, lanes_[lane]);
  const int64_t next = multiple_below(now - 1, lanes_[lane].step);
  if (next < 1 || next < lanes_[lane].permanent) return std::nullopt;
  set_width(alive, lanes_[lane], next);
  return alive;
}

}  // namespace morph
