#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "morph/report/report.h"

namespace morph {

/// What became of a part of the seed.
enum class Fate {
  kKept,      ///< It is in the learned network.
  kBypassed,  ///< A sum or concat that left because one of its inputs is left: that passes through.
  kRemoved,   ///< It left the network.
};

/// Operators one after another that a drawing shows as one box: a layer and what is applied to it.
struct NetworkBox {
  std::vector<size_t> operators = {};  ///< Indices into RunReport::graph, in order.
  size_t head = 0;                     ///< The operator that names it: its layer, or the first.
  std::vector<size_t> inputs = {};     ///< Boxes before it, each once.
  Fate fate = Fate::kKept;
};

/// Neighbouring boxes with one way in and one way out: a residual block, a tower module, a chain.
struct NetworkBlock {
  std::string name = {};  ///< What the names in it begin with: "layer1.0"; may be empty.
  size_t first = 0;       ///< Of the boxes.
  size_t count = 0;
};

/// A name with its parts between dots, also where it came from an ONNX file with slashes:
/// "layer1.0.conv1.Conv" for "/layer1/0/conv1/Conv".
std::string dotted_name(std::string name);

/// The operators as boxes, each after its inputs. A box goes on through operators that have one
/// input, whose only reader they are, and has at most one layer with weights; pools and constants
/// for arithmetic stand apart.
std::vector<NetworkBox> network_boxes(const std::vector<OperatorFigures>& graph);

/// The boxes cut where everything passes through one of them, so that they can be drawn one after
/// another.
std::vector<NetworkBlock> network_blocks(const std::vector<OperatorFigures>& graph,
                                         const std::vector<NetworkBox>& boxes);

}  // namespace morph
