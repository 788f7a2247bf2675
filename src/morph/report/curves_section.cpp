#include <functional>
#include <limits>
#include <string>

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

/// All phases one after another on one horizontal axis, an epoch one unit wide.
class Timeline {
 public:
  explicit Timeline(const RunReport& run) : run_(run) {
    for (const Phase& phase : run.phases) epochs_ += phase.epochs.size();
  }

  size_t epochs() const { return epochs_; }

  /// A chart with the phases as bands and the epochs at the axis, and no line yet.
  LineChart chart(const std::string& label) const {
    LineChart chart;
    chart.label = label;
    for_each_phase([&](const Phase& phase, size_t start) {
      chart.bands.push_back({share(start), share(start + phase.epochs.size()), phase.name});
    });
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
    for_each_phase([&](const Phase& phase, size_t start) {
      ChartLine line;
      line.style = style;
      for (size_t i = 0; i < phase.epochs.size(); ++i) {
        const double value = figure(phase.epochs[i]);
        line.points.push_back({middle(start + i), value, tip(phase, phase.epochs[i], name, value)});
      }
      chart.lines.push_back(line);
    });
  }

  void add_budgets(LineChart& chart, const std::string& resource, const std::string& style) const {
    for_each_phase([&](const Phase& phase, size_t start) {
      const auto budget = phase.budget.find(resource);
      if (budget == phase.budget.end()) return;
      chart.levels.push_back({share(start),
                              share(start + phase.epochs.size()),
                              budget->second,
                              "budget " + as_multiple(budget->second),
                              style});
    });
  }

 private:
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
    if (epoch.strength) text += "\nstrength: " + short_count(*epoch.strength);
    if (epoch.learning_rate) text += "\nlearning rate: " + short_count(*epoch.learning_rate);
    return text;
  }

  void for_each_phase(const std::function<void(const Phase&, size_t)>& visit) const {
    size_t start = 0;
    for (const Phase& phase : run_.phases) {
      if (!phase.epochs.empty()) visit(phase, start);
      start += phase.epochs.size();
    }
  }

  const RunReport& run_;
  size_t epochs_ = 0;
};

std::string key(const std::string& style, const std::string& text) {
  return element("li", {}, element("i", {{"class", "swatch line " + style}}, "") + escape(text));
}

std::string chart_figure(const std::string& heading,
                         const std::string& keys,
                         const LineChart& chart) {
  if (!has_points(chart)) return {};
  std::string content = element("h3", {}, escape(heading));
  if (!keys.empty()) content += element("ul", {{"class", "legend"}}, keys);
  return element("div", {{"class", "chart"}}, content + draw_lines(chart)) + "\n";
}

std::string accuracy_chart(const Timeline& timeline) {
  LineChart chart = timeline.chart("Test accuracy in percent after each epoch of each phase.");
  timeline.add_lines(chart, "series-0", "top-1, %", [](const EpochFigures& epoch) {
    return figure_or_missing(epoch.test_top1);
  });
  chart.unit = "%";
  return chart_figure("Test accuracy, top-1", "", chart);
}

std::string loss_chart(const Timeline& timeline) {
  LineChart chart = timeline.chart("Loss on the training and the test set after each epoch.");
  timeline.add_lines(
      chart, "series-0", "training loss", [](const EpochFigures& epoch) { return epoch.loss; });
  LineChart test = timeline.chart("");
  timeline.add_lines(test, "series-1", "test loss", [](const EpochFigures& epoch) {
    return figure_or_missing(epoch.test_loss);
  });
  std::string keys = key("series-0", "training");
  if (has_points(test)) {
    chart.lines.insert(chart.lines.end(), test.lines.begin(), test.lines.end());
    keys += key("series-1", "test");
  }
  return chart_figure("Loss", keys, chart);
}

std::string cost_chart(const RunReport& run, const Timeline& timeline) {
  LineChart chart =
      timeline.chart("Cost of the alive channels as share of the seed, and the budget.");
  chart.from_zero = true;
  chart.unit = "×";
  std::string keys;
  const std::vector<std::string> resources = followed_resources(run);
  for (size_t i = 0; i < resources.size(); ++i) {
    const std::string style = cat("series-", i % 4);
    const std::string& resource = resources[i];
    timeline.add_lines(
        chart, style, resource_title(resource) + " alive, × seed", [&](const EpochFigures& epoch) {
          return cost_of(epoch.cost, resource);
        });
    timeline.add_budgets(chart, resource, style);
    keys += key(style, resource_title(resource));
  }
  if (!chart.levels.empty()) keys += key("level", "budget");
  return chart_figure("Cost of what is alive, as share of the seed", keys, chart);
}

std::string schedule_chart(const Timeline& timeline,
                           const std::string& heading,
                           const Figure& figure) {
  LineChart chart = timeline.chart(heading + " in each epoch.");
  chart.height = 90;
  chart.from_zero = true;
  timeline.add_lines(chart, "series-2", heading, figure);
  return chart_figure(heading, "", chart);
}

}  // namespace

std::string curves_section(const RunReport& run) {
  const Timeline timeline(run);
  if (timeline.epochs() == 0)
    return section("training", "Training", quiet("No epoch has ended yet."));
  std::string charts = accuracy_chart(timeline);
  charts += cost_chart(run, timeline);
  charts += loss_chart(timeline);
  std::string schedules = schedule_chart(timeline, "Strength", [](const EpochFigures& epoch) {
    return figure_or_missing(epoch.strength);
  });
  schedules += schedule_chart(timeline, "Learning rate", [](const EpochFigures& epoch) {
    return figure_or_missing(epoch.learning_rate);
  });
  std::string phases;
  for (const Phase& phase : run.phases) {
    if (phase.epochs.empty()) continue;
    phases += element("li",
                      {},
                      escape(cat(phase.name,
                                 ", ",
                                 phase.epochs.size(),
                                 phase.epochs.size() == 1 ? " epoch" : " epochs")));
  }
  std::string content = quiet("Figures after each epoch; the phases follow one another from left.");
  content += element("ol", {{"class", "phases"}}, phases);
  content += charts;
  if (!schedules.empty()) content += element("div", {{"class", "pair"}}, schedules);
  return section("training", "Training", content);
}

}  // namespace morph
