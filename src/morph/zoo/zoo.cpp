#include "morph/zoo/zoo.h"

#include <set>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/zoo/families.h"

namespace morph::zoo {
namespace {

constexpr double kWidestMultiplier = 1000;
constexpr int64_t kMostClasses = 1'000'000;
constexpr int64_t kLargestExtent = 65536;

Shape parse_input(const std::string& text) {
  Shape shape;
  for (const std::string& extent : split(text, 'x')) {
    shape.push_back(parse_int(extent, cat("network option input=", text)));
  }
  return shape;
}

void set_option(Options& options, const std::string& name, const std::string& value) {
  if (name == "width") {
    options.width = parse_double(value, "network option width");
  } else if (name == "classes") {
    options.classes = parse_int(value, "network option classes");
  } else if (name == "input") {
    options.input = parse_input(value);
  } else {
    const std::vector<std::string> known = {"width", "classes", "input"};
    throw Error(cat("unknown network option '",
                    name,
                    "'; known are ",
                    join(known, ", "),
                    ".",
                    did_you_mean(name, known)));
  }
}

Options parse_options(std::string_view text, Options options) {
  std::set<std::string> given;
  for (const std::string& part : split(text, '&')) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos) {
      throw Error(cat("network option '", part, "': expected name=value, e.g. width=0.5"));
    }
    const std::string name = part.substr(0, equals);
    if (!given.insert(name).second) throw Error(cat("network option ", name, " is given twice"));
    set_option(options, name, part.substr(equals + 1));
  }
  return options;
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

const Entry& find_network(const std::string& name) {
  std::vector<std::string> known;
  for (const Entry& entry : networks()) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw Error(cat("unknown network '",
                  name,
                  "'; the zoo has ",
                  join(known, ", "),
                  ".",
                  did_you_mean(name, known)));
}

}  // namespace

const std::vector<Entry>& networks() {
  static const std::vector<Entry> entries = {
      {"resnet8",
       "residual network for small images, 1 block a stage",
       [](const Options& options) { return build_cifar_resnet(8, options); }},
      {"resnet20",
       "residual network for small images, 3 blocks a stage",
       [](const Options& options) { return build_cifar_resnet(20, options); }},
      {"resnet56",
       "residual network for small images, 9 blocks a stage",
       [](const Options& options) { return build_cifar_resnet(56, options); }},
      {"mlp", "two hidden dense layers of 256 and 128", build_mlp},
      {"inception_small", "small Inception-like network of towers", build_inception_small},
  };
  return entries;
}

Graph build(std::string_view specification, const Options& defaults) {
  constexpr std::string_view kPrefix = "zoo:";
  std::string_view text = specification;
  if (text.substr(0, kPrefix.size()) == kPrefix) text.remove_prefix(kPrefix.size());
  const size_t question = text.find('?');
  const std::string name(text.substr(0, question));
  const Entry& entry = find_network(name);
  const Options options = parse_options(
      question == std::string_view::npos ? std::string_view() : text.substr(question + 1),
      defaults);
  check(options);
  return entry.build(options);
}

}  // namespace morph::zoo
