#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/real_model.h"
#include <gtest/gtest.h>

#include "morph/analysis/channel_groups.h"
#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/strings.h"
#include "morph/cost/held_cost.h"
#include "morph/cost/network_cost.h"
#include "morph/onnx/import.h"
#include "morph/report/numbers.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kSeed = 7;
/// Parts below it are not listed.
constexpr double kLeastShare = 0.001;

std::string percent(double share) { return cat(fixed(100 * share, 1), " %"); }

/// "53 Conv, 49 Relu": the most frequent first.
std::string op_list(const Graph& graph) {
  std::map<std::string, int64_t> counts;
  for (const Node& node : graph.nodes()) ++counts[node.op];
  std::vector<std::pair<int64_t, std::string>> sorted;
  for (const auto& [op, count] : counts) sorted.emplace_back(-count, op);
  std::ranges::sort(sorted);
  std::vector<std::string> words;
  for (const auto& [count, op] : sorted) words.push_back(cat(-count, " ", op));
  return join(words, ", ");
}

std::string node_list(const Graph& graph, const std::vector<NodeId>& nodes) {
  constexpr size_t kMost = 3;
  std::vector<std::string> names;
  for (size_t i = 0; i < nodes.size() && i < kMost; ++i) {
    names.push_back(cat("`", graph[nodes[i]].name, "`"));
  }
  if (nodes.size() > kMost) names.push_back(cat("and ", nodes.size() - kMost, " more"));
  return join(names, ", ");
}

std::string file_size(const onnx::Model& model) {
  std::set<std::string> ops;
  for (const onnx::NodeProto& node : model.graph.nodes) ops.insert(node.op_type);
  return cat(model.graph.nodes.size(), " | ", ops.size());
}

/// What the page says of one network.
struct Entry {
  std::string row = {};
  std::string ops = {};
  std::string held = {};
};

Entry describe(const std::string& name) {
  onnx::Model model = read_real_model(name, kSeed);
  const std::string size = file_size(model);
  const auto opset = model.opsets.at("");
  const onnx::Imported imported = onnx::import_model(std::move(model));
  const Graph& graph = imported.graph;
  const ChannelGroups groups = find_channel_groups(graph);
  std::vector<bool> removable;
  for (ChannelId set = 0; set < groups.set_count(); ++set) removable.push_back(!groups.pinned(set));
  const auto flops = make_cost_model("flops");
  Entry entry;
  double held = 0;
  for (const HeldCost& part : held_costs(graph, groups, removable, *flops)) {
    held += part.share;
    if (part.share < kLeastShare) continue;
    entry.held += cat("| ",
                      name,
                      " | ",
                      percent(part.share),
                      " | ",
                      part.reason,
                      " | ",
                      node_list(graph, part.nodes),
                      " |\n");
  }
  entry.row = cat("| ",
                  name,
                  " | ",
                  is_from_legacy_exporter(name) ? "legacy" : "dynamo",
                  " ",
                  opset,
                  " | ",
                  size,
                  " | ",
                  graph.nodes().size(),
                  " | ",
                  fixed(network_cost(graph, *flops) / 1e6, 1),
                  " | ",
                  fixed(network_cost(graph, *make_cost_model("params")) / 1e6, 2),
                  " | ",
                  percent(1 - held),
                  " |\n");
  entry.ops = cat("- **", name, "**: ", op_list(graph), "\n");
  return entry;
}

std::string page(const std::vector<Entry>& entries, const std::string& tried) {
  std::string text =
      "# Real models\n\n"
      "Written by `models_test` from the files of `tests/models/onnx/`, which\n"
      "`tests/models/export_models.py` exported from PyTorch (torchvision, timm, and a U-Net of "
      "its "
      "own)\n"
      "without their weights. The same program fills these in from a seed and shows for each "
      "network "
      "that\n"
      "it is read; that its output is ONNX Runtime's within 1e-4 of the largest value; that after "
      "half of\n"
      "every group's removable channels were taken out at random, the written file computes in "
      "ONNX "
      "Runtime\n"
      "what the masked network does, within the same; and that one training step gives every "
      "parameter a\n"
      "finite gradient. `MORPHNET_UPDATE_DOCS=1 models_test` writes this page.\n\n"
      "*File*: nodes and different ops. *Nodes*: what is left of them once constants are folded. "
      "*Prunable*:\n"
      "the share of the FLOPs that is gone when every removable channel is; the rest is in the "
      "second table.\n\n"
      "| model | exporter, opset | file nodes | ops | nodes | MFLOPs | M params | prunable |\n"
      "|---|---|---:|---:|---:|---:|---:|---:|\n";
  for (const Entry& entry : entries) text += entry.row;
  text +=
      "\n## Pinned parts, and why\n\n"
      "Parts of 0.1 % of a network's FLOPs or more, and the first layers that cannot be charged "
      "less.\n\n"
      "| model | FLOPs | held by | layers |\n|---|---:|---|---|\n";
  for (const Entry& entry : entries) text += entry.held;
  text += "\n## Ops of the networks\n\n";
  for (const Entry& entry : entries) text += entry.ops;
  return text + tried;
}

TEST(ModelCoverage, PageIsWhatTheCollectionGives) {
  std::vector<Entry> entries;
  for (const std::string& name : real_models()) entries.push_back(describe(name));
  const fs::path root = MORPH_SOURCE_DIR;
  const std::string tried = read_file(root / "tests" / "models" / "tried.md");
  const fs::path path = root / "docs" / "model-coverage.md";
  const std::string text = page(entries, "\n" + tried);
  if (std::getenv("MORPHNET_UPDATE_DOCS") != nullptr) write_file(path, text);
  EXPECT_EQ(read_file(path), text) << "run with MORPHNET_UPDATE_DOCS=1 if this is meant";
}

}  // namespace
}  // namespace morph
