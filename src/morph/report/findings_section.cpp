#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/numbers.h"
#include "morph/report/resources.h"
#include "morph/report/sections.h"

namespace morph {
namespace {

constexpr size_t kListed = 6;
constexpr double kNoteworthy = 0.005;  // Of the whole cost.

/// A layer's part of what all layers cost, before and after.
struct Share {
  const LayerFigures* layer = nullptr;
  double seed = 0;     ///< Of the seed's cost.
  double learned = 0;  ///< Of the learned network's cost.
  double saved = 0;    ///< What the layer costs less, as share of the seed's cost.

  double growth() const { return learned - seed; }
};

double finite_cost(const std::map<std::string, double>& costs, const std::string& resource) {
  const double cost = cost_of(costs, resource);
  return std::isfinite(cost) ? cost : 0;
}

double kept_share(const LayerFigures& layer) {
  if (is_removed(layer) || layer.seed_width == 0) return 0;
  return static_cast<double>(layer.learned_width) / static_cast<double>(layer.seed_width);
}

std::vector<Share> shares_of(const RunReport& run, const std::string& resource) {
  double seed = 0;
  double learned = 0;
  for (const LayerFigures& layer : run.layers) {
    seed += finite_cost(layer.seed_cost, resource);
    learned += finite_cost(layer.learned_cost, resource);
  }
  if (seed <= 0 || learned <= 0) return {};
  std::vector<Share> shares;
  for (const LayerFigures& layer : run.layers) {
    const double before = finite_cost(layer.seed_cost, resource);
    const double after = finite_cost(layer.learned_cost, resource);
    shares.push_back({&layer, before / seed, after / learned, (before - after) / seed});
  }
  return shares;
}

/// The first few by `key`, largest first, of those that are worth a line.
template <typename Key>
std::vector<Share> largest(std::vector<Share> shares, Key key) {
  std::erase_if(shares, [&](const Share& share) { return key(share) < kNoteworthy; });
  std::ranges::stable_sort(shares, std::greater<>(), key);
  if (shares.size() > kListed) shares.resize(kListed);
  return shares;
}

std::string width_text(const LayerFigures& layer) {
  if (is_removed(layer)) return cat("was removed with all its ", layer.seed_width, " channels");
  if (layer.learned_width == layer.seed_width) {
    return cat("kept all ", layer.seed_width, " channels");
  }
  return cat("kept ", layer.learned_width, " of ", layer.seed_width, " channels");
}

std::string item(const Share& share, const std::string& sentence) {
  return element("li", {}, element("code", {}, escape(share.layer->name)) + escape(sentence)) +
         "\n";
}

std::string list(const char* heading, const std::string& items, const std::string& nothing) {
  std::string content = element("h3", {}, heading);
  content += items.empty() ? quiet(nothing) : element("ol", {{"class", "ranking"}}, items);
  return element("div", {}, content);
}

std::string bottlenecks(const std::vector<Share>& shares, const std::string& noun) {
  std::string items;
  for (const Share& share : largest(shares, [](const Share& one) { return one.growth(); })) {
    items += item(share,
                  cat(" ",
                      width_text(*share.layer),
                      "; its share of the ",
                      noun,
                      " grew from ",
                      as_percent(share.seed),
                      " to ",
                      as_percent(share.learned),
                      "."));
  }
  return list("Bottlenecks", items, "No layer takes a larger share of the cost than before.");
}

std::string excess(const std::vector<Share>& shares, const std::string& noun) {
  std::string items;
  const auto wasted = [](const Share& share) {
    return kept_share(*share.layer) < 1 ? share.saved : 0;
  };
  for (const Share& share : largest(shares, wasted)) {
    items += item(share,
                  cat(" ",
                      width_text(*share.layer),
                      ", which with the layers before it saves ",
                      as_percent(share.saved),
                      " of the seed’s ",
                      noun,
                      "."));
  }
  return list("Over-parameterised", items, "No layer lost channels that cost much.");
}

double mean_kept(const std::vector<const LayerFigures*>& layers) {
  double kept = 0;
  double all = 0;
  for (const LayerFigures* layer : layers) {
    kept += kept_share(*layer) * static_cast<double>(layer->seed_width);
    all += static_cast<double>(layer->seed_width);
  }
  return all > 0 ? kept / all : 0;
}

/// Where along the depth channels went, in a sentence.
std::string depth_sentence(const RunReport& run) {
  std::vector<const LayerFigures*> free;
  for (const LayerFigures& layer : run.layers) {
    if (layer.pinned.empty()) free.push_back(&layer);
  }
  if (free.size() < 3) return {};
  const auto third = static_cast<std::ptrdiff_t>(free.size() / 3);
  const double early = mean_kept({free.begin(), free.begin() + third});
  const double middle = mean_kept({free.begin() + third, free.end() - third});
  const double late = mean_kept({free.end() - third, free.end()});
  return cat("Of their channels the first third of the layers kept ",
             as_percent(early),
             ", the middle ",
             as_percent(middle),
             ", the last third ",
             as_percent(late),
             ".");
}

}  // namespace

std::string findings_section(const RunReport& run) {
  const std::vector<std::string> followed = followed_resources(run);
  const std::vector<std::string> priced = layer_resources(run);
  const std::string resource = !followed.empty() ? followed.front()
                               : !priced.empty() ? priced.front()
                                                 : "";
  const std::vector<Share> shares = shares_of(run, resource);
  if (shares.empty()) return section("findings", "Findings", quiet("No costs of layers recorded."));
  const std::string noun = resource_noun(resource);
  std::string content = quiet(depth_sentence(run));
  content += element("div", {{"class", "pair"}}, excess(shares, noun) + bottlenecks(shares, noun));
  return section("findings", "Findings", content);
}

}  // namespace morph
