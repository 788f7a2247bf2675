#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "morph/ir/graph.h"

namespace morph::zoo {

/// What is asked of a network: "resnet50?width=0.5&classes=10&input=3x32x32&stem=small".
struct Options {
  double width = 1;  ///< Multiplies every width, rounded to the nearest, at least 1.
  int64_t classes = 10;
  Shape input = {3, 32, 32};                        ///< [C, H, W] of one example.
  std::map<std::string, std::string> choices = {};  ///< By name of the Choice.

  /// What was chosen; "" where the network does not have that choice.
  std::string chosen(const std::string& choice) const;
};

/// An option that only some networks have: one of a few words.
struct Choice {
  std::string name = {};
  std::vector<std::string> values = {};  ///< The first is the default.
  std::string description = {};
};

/// What a data set tells of the network that is to read it.
struct Task {
  int64_t classes = 0;
  Shape input = {};  ///< [C, H, W].
};

/// One network of the zoo.
struct Entry {
  std::string name = {};
  std::string description = {};
  Task task = {};  ///< What it was published for.
  std::vector<Choice> choices = {};
  std::function<Graph(const Options&)> build = {};
  std::string training_only = {};  ///< Prefix of tensors that published checkpoints hold for
                                   ///< training alone; "" if there are none.
};

/// Every network, in the order they are listed to a user.
const std::vector<Entry>& networks();

/// The network that a specification names, with or without "zoo:" before it and options behind.
/// Throws Error naming the unknown network, with the nearest known one.
const Entry& find_network(std::string_view specification);

/// The network that a specification names, shapes inferred. Where it says nothing of classes and
/// input, `task` decides, or what the network was published for. Throws Error naming the unknown
/// network or option, with the nearest known one.
Graph build(std::string_view specification, const std::optional<Task>& task = {});

}  // namespace morph::zoo
