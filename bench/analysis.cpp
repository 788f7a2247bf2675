// How long it takes to analyse a network before it can be trained with a regularizer: channel
// groups, blocks and cost tables, in processor time of one core. Prints JSON; a line for each
// network:
//
//   {"name", "nodes", "channels", "blocks", "ms": {stage: its median}, "total_ms"}
//
//   bench_analysis [NET ...]        (default: resnet101 densenet121)

#include <algorithm>
#include <ctime>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "morph/cost/network_cost.h"
#include "morph/zoo/zoo.h"

namespace {

constexpr int kRuns = 21;

/// Milliseconds of `work` on a core that others may share, the median of several runs.
double median_ms(const std::function<void()>& work) {
  std::vector<double> times;
  for (int run = 0; run < kRuns; ++run) {
    const std::clock_t begin = std::clock();
    work();
    times.push_back(1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  std::nth_element(times.begin(), times.begin() + kRuns / 2, times.end());
  return times[kRuns / 2];
}

nlohmann::json measure(const std::string& network) {
  const morph::Graph graph = morph::zoo::build(network);
  const morph::ChannelGroups groups = morph::find_channel_groups(graph);
  const morph::ChannelBlocks blocks = morph::find_channel_blocks(graph, groups);
  std::map<std::string, double> ms;
  ms["groups"] = median_ms([&] { morph::find_channel_groups(graph); });
  ms["blocks"] = median_ms([&] { morph::find_channel_blocks(graph, groups); });
  for (const char* cost : {"flops", "latency:H100", "activation-memory"}) {
    const auto model = morph::make_cost_model(cost);
    ms[std::string("table ") + cost] =
        median_ms([&] { morph::make_cost_table(graph, blocks, *model); });
  }
  double total = 0;
  for (const auto& [stage, time] : ms) total += time;
  return {{"name", network},
          {"nodes", graph.nodes().size()},
          {"channels", groups.set_count()},
          {"blocks", blocks.count()},
          {"ms", ms},
          {"total_ms", total}};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> networks(argv + 1, argv + argc);
  if (networks.empty()) networks = {"resnet101", "densenet121"};
  try {
    for (const std::string& network : networks) std::cout << measure(network).dump() << "\n";
  } catch (const std::exception& e) {
    std::cerr << "bench_analysis: " << e.what() << "\n";
    return 1;
  }
  return 0;
}
