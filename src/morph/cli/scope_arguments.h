#pragma once

#include <string>
#include <vector>

#include "morph/analysis/channel_scope.h"
#include "morph/analysis/planned_widths.h"
#include "morph/checkpoint/network_file.h"

namespace CLI {
class App;
}

namespace morph {

/// The flags that say which part of a network may lose channels.
struct ScopeArguments {
  ChannelScope scope = {};
  std::vector<std::string> min_width = {};
  std::vector<std::string> max_reduction = {};

  void add_to(CLI::App& command);

  /// The scope with the limits read. Throws Error naming the flag at fault.
  ChannelScope resolve() const;
};

/// A structure file, of either kind, and how to read it.
struct StructureArguments {
  std::string file = {};
  std::string missing = "keep";
  bool keep_first = false;

  void add_to(CLI::App& command);

  /// What the file asks of a network; of counts, the strongest channels where it has weights.
  /// Throws Error if it has weights and is to be widened.
  PlannedWidths plan(const Network& network) const;

  /// The network that the file makes of this one, with its weights if it has some; the same if no
  /// file was given.
  Network apply(const Network& network) const;
};

}  // namespace morph
