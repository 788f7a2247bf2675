#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace morph {

/// A box to be placed, in pixels, and the earlier boxes that point to it.
struct LayoutBox {
  double width = 0;
  double height = 0;
  std::vector<size_t> inputs = {};  ///< Indices of boxes, each smaller than its own.
};

/// A place in a drawing, in pixels, y downwards.
struct LayoutPoint {
  double x = 0;
  double y = 0;

  bool operator==(const LayoutPoint&) const = default;
};

/// The way of an arrow: straight down between two points of one x, a bend between others.
struct LayoutRoute {
  size_t from = 0;
  size_t to = 0;
  std::vector<LayoutPoint> points = {};
};

/// Where everything stands: `boxes` holds the middle of each upper edge.
struct LayeredLayout {
  double width = 0;
  double height = 0;
  std::vector<LayoutPoint> boxes = {};
  std::vector<LayoutRoute> routes = {};
};

/// Places an acyclic graph in rows from top to bottom: each box is in the row after the lowest of
/// its inputs, chains are straight, and an arrow that passes a row has a lane of its own there, one
/// for all the arrows of a box, so that none runs through a box. The same input gives the same
/// drawing.
LayeredLayout lay_out(std::span<const LayoutBox> boxes);

}  // namespace morph
