#include "morph/cli/scope_arguments.h"

#include <utility>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/json_file.h"
#include "morph/base/strings.h"
#include "morph/nn/channel_strengths.h"
#include "morph/nn/cut.h"
#include "morph/transform/resize.h"

namespace morph {
namespace {

CLI::Option* add_patterns(CLI::App& command,
                          const std::string& flag,
                          std::vector<std::string>& values,
                          const std::string& description) {
  return command.add_option(flag, values, description)
      ->allow_extra_args(false)  // Or NET would be taken for a second pattern.
      ->type_name("REGEX")
      ->group("Scope");
}

MissingLayers parse_missing(const std::string& word) {
  if (word == "keep") return MissingLayers::kKeep;
  if (word == "error") return MissingLayers::kRefuse;
  if (word == "zero") return MissingLayers::kZero;
  const std::vector<std::string> known = {"keep", "error", "zero"};
  throw Error(
      cat("--missing: expected keep, error or zero, got '", word, "'.", did_you_mean(word, known)));
}

}  // namespace

void ScopeArguments::add_to(CLI::App& command) {
  add_patterns(command, "--tie", scope.tie, "Tie the layers it matches, channel by channel");
  add_patterns(command, "--keep", scope.keep, "Keep all channels of the layers it matches");
  add_patterns(command, "--from", scope.from, "Leave alone what leads to these nodes, and them");
  add_patterns(command, "--until", scope.until, "Leave alone what does not lead to these nodes");
  add_patterns(command, "--min-width", min_width, "Channels that layers keep at least")
      ->type_name("[REGEX=]N");
  add_patterns(command, "--max-reduction", max_reduction, "Share of channels they lose at most")
      ->type_name("[REGEX=]SHARE");
  command.add_flag("--keep-first", scope.keep_first, "Keep the first channel of every layer")
      ->group("Scope");
}

ChannelScope ScopeArguments::resolve() const {
  ChannelScope result = scope;
  for (const std::string& text : min_width) {
    result.min_width.push_back(parse_layer_limit(text, "--min-width"));
  }
  for (const std::string& text : max_reduction) {
    result.max_reduction.push_back(parse_layer_limit(text, "--max-reduction"));
  }
  return result;
}

void StructureArguments::add_to(CLI::App& command) {
  command
      .add_option("--structure",
                  file,
                  "structure.json of a run, or a file of alive counts as MorphNet writes them")
      ->type_name("FILE");
  command
      .add_option("--missing",
                  missing,
                  "What becomes of layers that FILE does not name: keep, error or zero")
      ->capture_default_str()
      ->type_name("RULE");
  command.add_flag("--at-least-one", keep_first, "Where FILE counts 0 channels, leave one");
}

PlannedWidths StructureArguments::plan(const Network& network) const {
  WidthOptions options{.missing = parse_missing(missing), .keep_first = keep_first};
  if (network.params) {
    options.strengths = [&](const ChannelGroups& groups) {
      return channel_strengths(network.graph, groups, *network.params);
    };
  }
  PlannedWidths plan = plan_widths(network.graph, read_json(file), options);
  if (plan.widens() && network.params) {
    throw Error(cat("'",
                    file,
                    "' gives some layers more channels than network '",
                    network.graph.name(),
                    "' has, and there are no weights for them; name a network without weights"));
  }
  return plan;
}

Network StructureArguments::apply(const Network& network) const {
  if (file.empty()) return network;
  const PlannedWidths widths = plan(network);
  if (!network.params) {
    return {.graph = resize_channels(network.graph, widths.groups, widths.copies).graph};
  }
  Cut cut = cut_channels(network.graph, *network.params, widths.groups, widths.alive());
  return {.graph = std::move(cut.graph), .params = std::move(cut.params)};
}

}  // namespace morph
