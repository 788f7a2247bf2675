#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "morph/ir/graph.h"

namespace morph::zoo {

/// What can be asked of any network of the zoo: "resnet20?width=0.5&classes=10&input=3x32x32".
struct Options {
  double width = 1;  ///< Multiplies every width, rounded to the nearest, at least 1.
  int64_t classes = 10;
  Shape input = {3, 32, 32};  ///< [C, H, W] of one example.
};

/// The network a specification names, shapes inferred. `defaults` stand where it says nothing (a
/// data set knows its classes and image size). Throws Error naming the unknown network or option,
/// with the nearest known one.
Graph build(std::string_view specification, const Options& defaults = {});

/// One network of the zoo.
struct Entry {
  std::string name;
  std::string description;
  Graph (*build)(const Options& options);
};

/// Every network, in the order they are listed to a user.
const std::vector<Entry>& networks();

}  // namespace morph::zoo
