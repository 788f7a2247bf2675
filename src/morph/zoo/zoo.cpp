#include "morph/zoo/zoo.h"

#include <algorithm>
#include <set>

#include "morph/base/error.h"
#include "morph/base/strings.h"

namespace morph::zoo {
namespace {

constexpr std::string_view kPrefix = "zoo:";
constexpr double kWidestMultiplier = 1000;
constexpr int64_t kMostClasses = 1'000'000;
constexpr int64_t kLargestExtent = 65536;
/// Networks for photographs halve an image five times: up to this many pixels a side, two of the
/// five are left out.
constexpr int64_t kSmallImage = 64;

/// A specification in its two parts.
struct Specification {
  std::string name;
  std::optional<std::string> options = {};  ///< What follows the '?'.
};

Specification parse(std::string_view text) {
  if (text.substr(0, kPrefix.size()) == kPrefix) text.remove_prefix(kPrefix.size());
  const size_t question = text.find('?');
  Specification result{.name = std::string(text.substr(0, question))};
  if (question != std::string_view::npos) result.options = std::string(text.substr(question + 1));
  return result;
}

Shape parse_input(const std::string& text) {
  Shape shape;
  for (const std::string& extent : split(text, 'x')) {
    shape.push_back(parse_int(extent, cat("network option input=", text)));
  }
  return shape;
}

void set_choice(Options& options, const Choice& choice, const std::string& value) {
  if (std::find(choice.values.begin(), choice.values.end(), value) == choice.values.end()) {
    throw Error(cat("network option ",
                    choice.name,
                    ": expected one of ",
                    join(choice.values, ", "),
                    ", got '",
                    value,
                    "'.",
                    did_you_mean(value, choice.values)));
  }
  options.choices[choice.name] = value;
}

[[noreturn]] void refuse_option(const Entry& entry, const std::string& name) {
  std::vector<std::string> known = {"width", "classes", "input"};
  for (const Choice& choice : entry.choices) known.push_back(choice.name);
  throw Error(cat("network '",
                  entry.name,
                  "' has no option '",
                  name,
                  "'; it has ",
                  join(known, ", "),
                  ".",
                  did_you_mean(name, known)));
}

void set_option(Options& options,
                const Entry& entry,
                const std::string& name,
                const std::string& value) {
  if (name == "width") {
    options.width = parse_double(value, "network option width");
  } else if (name == "classes") {
    options.classes = parse_int(value, "network option classes");
  } else if (name == "input") {
    options.input = parse_input(value);
  } else {
    const auto choice = std::ranges::find(entry.choices, name, &Choice::name);
    if (choice == entry.choices.end()) refuse_option(entry, name);
    set_choice(options, *choice, value);
  }
}

void set_options(Options& options, const Entry& entry, std::string_view text) {
  std::set<std::string> given;
  for (const std::string& part : split(text, '&')) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) {
      throw Error(cat("network option '", part, "': expected name=value, e.g. width=0.5"));
    }
    const std::string name = part.substr(0, equals);
    if (!given.insert(name).second) throw Error(cat("network option ", name, " is given twice"));
    set_option(options, entry, name, part.substr(equals + 1));
  }
}

void check(const Options& options) {
  if (!(options.width > 0 && options.width <= kWidestMultiplier)) {
    throw Error(cat("network option width: expected a multiplier above 0 and up to ",
                    kWidestMultiplier,
                    ", got ",
                    options.width));
  }
  if (options.classes < 1 || options.classes > kMostClasses) {
    throw Error(
        cat("network option classes: expected 1 to ", kMostClasses, ", got ", options.classes));
  }
  bool is_valid = !options.input.empty();
  for (const int64_t extent : options.input) {
    is_valid = is_valid && extent >= 1 && extent <= kLargestExtent;
  }
  if (!is_valid) {
    throw Error(
        cat("network option input: expected CxHxW, e.g. 3x32x32, each at least 1 and at most ",
            kLargestExtent,
            ", got ",
            format_shape(options.input)));
  }
}

/// Decides what "auto" leaves to the image.
void settle_automatic_choices(Options& options) {
  const bool is_small =
      options.input.size() == 3 && std::min(options.input[1], options.input[2]) <= kSmallImage;
  for (auto& [name, value] : options.choices) {
    if (value == "auto") value = is_small ? "small" : "full";
  }
}

}  // namespace

std::string Options::chosen(const std::string& choice) const {
  const auto it = choices.find(choice);
  return it == choices.end() ? std::string() : it->second;
}

const Entry& find_network(std::string_view specification) {
  const std::string name = parse(specification).name;
  std::vector<std::string> known;
  for (const Entry& entry : networks()) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw Error(
      cat("unknown network '", name, "'; 'morphnet zoo' lists all.", did_you_mean(name, known)));
}

Graph build(std::string_view specification, const std::optional<Task>& task) {
  const Entry& entry = find_network(specification);
  const Task& decided = task ? *task : entry.task;
  Options options{.classes = decided.classes, .input = decided.input};
  for (const Choice& choice : entry.choices) options.choices[choice.name] = choice.values.front();
  const Specification given = parse(specification);
  if (given.options) set_options(options, entry, *given.options);
  check(options);
  settle_automatic_choices(options);
  return entry.build(options);
}

}  // namespace morph::zoo
