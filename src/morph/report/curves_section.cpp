#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "morph/base/error.h"
#include "morph/report/html.h"
#include "morph/report/line_chart.h"
#include "morph/report/numbers.h"
#include "morph/report/resources.h"
#include "morph/report/sections.h"
#include "morph/report/svg.h"

namespace morph {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

using Figure = std::function<double(const EpochFigures&)>;

double figure_or_missing(const std::optional<double>& value) { return value.value_or(kMissing); }

/// Phases one after another on one horizontal axis, an epoch one unit wide.
class Timeline {
 public:
  /// Of those phases that have `figure` in some epoch.
  Timeline(const RunReport& run, const Figure& figure) {
    for (size_t i = 0; i < run.phases.size(); ++i) {
      const Phase& phase = run.phases[i];
      const bool has_figure =
          std::any_of(phase.epochs.begin(), phase.epochs.end(), [&](const EpochFigures& epoch) {
            return std::isfinite(figure(epoch));
          });
      if (!has_figure) continue;
      entries_.push_back({&phase, cat(i + 1), epochs_});
      epochs_ += phase.epochs.size();
    }
  }

  /// A chart with the phases as bands and the epochs at the axis, and no line yet.
  LineChart chart(const std::string& label) const {
    LineChart chart;
    chart.label = label;
    for (const Entry& entry : entries_) {
      chart.bands.push_back(
          {share(entry.start), share(entry.end()), entry.number, entry.phase->name});
    }
    for (const double tick : bar_axis(static_cast<double>(epochs_), 8).ticks) {
      const auto epoch = static_cast<size_t>(tick);
      if (epoch > 0 && static_cast<double>(epoch) == tick) {
        chart.ticks.push_back({middle(epoch - 1), cat(epoch)});
      }
    }
    return chart;
  }

  /// One line per phase: a new phase is another network or another aim, so lines are not joined.
  void add_lines(LineChart& chart,
                 const std::string& style,
                 const std::string& name,
                 const Figure& figure) const {
    for (const auto& [phase, number, start] : entries_) {
      ChartLine line;
      line.style = style;
      for (size_t i = 0; i < phase->epochs.size(); ++i) {
        const double value = figure(phase->epochs[i]);
        line.points.push_back(
            {middle(start + i), value, tip(*phase, phase->epochs[i], name, value)});
      }
      chart.lines.push_back(line);
    }
  }

  void add_budgets(LineChart& chart, const std::string& resource, const std::string& style) const {
    for (const Entry& entry : entries_) {
      const auto budget = entry.phase->budget.find(resource);
      if (budget == entry.phase->budget.end()) continue;
      chart.levels.push_back({share(entry.start),
                              share(entry.end()),
                              budget->second,
                              "budget " + short_count(budget->second) + "×",
                              style});
    }
  }

 private:
  struct Entry {
    const Phase* phase;
    std::string number;
    size_t start;

    size_t end() const { return start + phase->epochs.size(); }
  };

  double share(size_t epoch) const {
    return static_cast<double>(epoch) / static_cast<double>(epochs_);
  }

  double middle(size_t epoch) const {
    return (static_cast<double>(epoch) + 0.5) / static_cast<double>(epochs_);
  }

  static std::string tip(const Phase& phase,
                         const EpochFigures& epoch,
                         const std::string& name,
                         double value) {
    std::string text =
        cat(phase.name, ", epoch ", epoch.epoch, "\n", name, ": ", short_count(value));
    for (const auto& [resource, strength] : epoch.strength) {
      text += cat("\nstrength of ", resource_title(resource), ": ", short_count(strength));
    }
    if (epoch.learning_rate) text += "\nlearning rate: " + short_count(*epoch.learning_rate);
    return text;
  }

  std::vector<Entry> entries_;
  size_t epochs_ = 0;
};

std::string key(const std::string& style, const std::string& text) {
  return element("li", {}, element("i", {{"class", "swatch line " + style}}, "") + escape(text));
}

bool has_targets(const RunReport& run) {
  return std::ranges::any_of(run.phases, [](const Phase& phase) {
    return std::ranges::any_of(phase.epochs,
                               [](const EpochFigures& epoch) { return !epoch.target.empty(); });
  });
}

/// A chart for half the width of the page.
LineChart half_chart(const Timeline& timeline, const std::string& label) {
  LineChart chart = timeline.chart(label);
  chart.height = 140;
  chart.letters = 46;
  return chart;
}

std::string chart_figure(const std::string& heading,
                         const std::string& keys,
                         const LineChart& chart) {
  if (!has_points(chart)) return {};
  std::string head = element("h3", {}, escape(heading));
  if (!keys.empty()) head += element("ul", {{"class", "legend"}}, keys);
  return element("div",
                 {{"class", "chart"}},
                 element("div", {{"class", "head"}}, head) + draw_lines(chart)) +
         "\n";
}

std::string accuracy_chart(const RunReport& run) {
  const Figure top1 = [](const EpochFigures& epoch) { return figure_or_missing(epoch.test_top1); };
  const Timeline timeline(run, top1);
  LineChart chart = timeline.chart("Test accuracy in percent after each epoch of each phase.");
  timeline.add_lines(chart, "series-0", "top-1, %", top1);
  chart.unit = "%";
  return chart_figure("Test accuracy, top-1", "", chart);
}

std::string loss_chart(const RunReport& run) {
  const Figure loss = [](const EpochFigures& epoch) { return epoch.loss; };
  const Figure test = [](const EpochFigures& epoch) { return figure_or_missing(epoch.test_loss); };
  const Timeline timeline(run, loss);
  LineChart chart = half_chart(timeline, "Loss on the training and the test set after each epoch.");
  timeline.add_lines(chart, "series-0", "training loss", loss);
  std::string keys = key("series-0", "training");
  LineChart tested;
  timeline.add_lines(tested, "series-1", "test loss", test);
  if (has_points(tested)) {
    chart.lines.insert(chart.lines.end(), tested.lines.begin(), tested.lines.end());
    keys += key("series-1", "test");
  }
  return chart_figure("Loss", keys, chart);
}

/// Finite where any resource was followed, so that the chart shows the phases that learn structure.
double any_cost(const EpochFigures& epoch) {
  return epoch.cost.empty() ? kMissing : epoch.cost.begin()->second;
}

/// Adds lines for one resource: what is alive, and what was to be.
void add_cost_lines(LineChart& chart,
                    const Timeline& timeline,
                    const std::string& resource,
                    const std::string& style) {
  const std::string title = resource_title(resource);
  const Figure target = [&](const EpochFigures& epoch) { return cost_of(epoch.target, resource); };
  timeline.add_lines(chart, style + " target", title + " to be, × seed", target);
  const Figure alive = [&](const EpochFigures& epoch) { return cost_of(epoch.cost, resource); };
  timeline.add_lines(chart, style, title + " alive, × seed", alive);
  timeline.add_budgets(chart, resource, style);
}

std::string cost_chart(const RunReport& run) {
  const Timeline timeline(run, any_cost);
  LineChart chart =
      half_chart(timeline, "Cost of the alive channels as share of the seed, and the budget.");
  chart.from_zero = true;
  chart.unit = "×";
  std::string keys;
  const std::vector<std::string> resources = followed_resources(run);
  for (size_t i = 0; i < resources.size(); ++i) {
    const std::string style = cat("series-", i % 4);
    add_cost_lines(chart, timeline, resources[i], style);
    keys += key(style, resource_title(resources[i]));
  }
  if (has_targets(run)) keys += key("target", "target");
  if (!chart.levels.empty()) keys += key("level", "budget");
  return chart_figure("Alive cost, × seed", keys, chart);
}

std::string strength_chart(const RunReport& run) {
  const Timeline timeline(run, [](const EpochFigures& epoch) {
    return epoch.strength.empty() ? kMissing : epoch.strength.begin()->second;
  });
  LineChart chart = half_chart(timeline, "Strength of the regularizer in each epoch.");
  chart.from_zero = true;
  std::string keys;
  const std::vector<std::string> resources = followed_resources(run);
  for (size_t i = 0; i < resources.size(); ++i) {
    const std::string style = cat("series-", i % 4);
    const std::string title = resource_title(resources[i]);
    timeline.add_lines(chart, style, "strength of " + title, [&](const EpochFigures& epoch) {
      return cost_of(epoch.strength, resources[i]);
    });
    keys += key(style, title);
  }
  return chart_figure("Strength", resources.size() > 1 ? keys : "", chart);
}

std::string schedule_chart(const RunReport& run, const std::string& heading, const Figure& figure) {
  const Timeline timeline(run, figure);
  LineChart chart = half_chart(timeline, heading + " in each epoch.");
  chart.from_zero = true;
  timeline.add_lines(chart, "series-2", heading, figure);
  return chart_figure(heading, "", chart);
}

std::string phase_list(const RunReport& run) {
  std::string items;
  for (const Phase& phase : run.phases) {
    const size_t epochs = phase.epochs.size();
    items += element(
        "li", {}, escape(cat(phase.name, ", ", epochs, epochs == 1 ? " epoch" : " epochs")));
  }
  return element("ol", {{"class", "phases"}}, items);
}

}  // namespace

std::string curves_section(const RunReport& run) {
  const std::string accuracy = accuracy_chart(run);
  std::string pairs = cost_chart(run);
  pairs += strength_chart(run);
  pairs += loss_chart(run);
  pairs += schedule_chart(run, "Learning rate", [](const EpochFigures& epoch) {
    return figure_or_missing(epoch.learning_rate);
  });
  if (accuracy.empty() && pairs.empty()) {
    return section("training", "Training", quiet("No epoch has ended yet."));
  }
  std::string content = quiet("Figures after each epoch; the phases follow one another.");
  content += phase_list(run) + accuracy;
  if (!pairs.empty()) content += element("div", {{"class", "pair"}}, pairs);
  return section("training", "Training", content);
}

}  // namespace morph
