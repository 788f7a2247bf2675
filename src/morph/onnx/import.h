#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "morph/ir/graph.h"
#include "morph/onnx/model.h"

namespace morph::onnx {

/// What to do with an initializer that several nodes read.
enum class Ties {
  kUntieInitial,  ///< Exporters merge equal small tensors, as all scales of 1 in an untrained
                  ///< network: nodes get copies of their own, unless they are one shared module.
  kKeep,          ///< All stay tied as the file has them.
};

/// What to do with an operator that is not known, or not in the form at hand.
enum class UnknownOps {
  kRefuse,
  kPassThrough,  ///< It becomes Opaque nodes, which keep their channels and are written back as
                 ///< they were; so does whatever reads integers or open sizes that it makes.
};

/// How a file is read.
struct ImportOptions {
  Ties ties = Ties::kUntieInitial;
  UnknownOps unknown_ops = UnknownOps::kRefuse;
  /// Sizes of one example, [C, H, W], for an input that leaves some of them open.
  Shape input = {};
  /// Most bytes of the constants that a file computes but does not hold.
  uint64_t most_computed_bytes = uint64_t{1} << 30;
};

/// A network read from an ONNX file.
struct Imported {
  Graph graph = Graph();
  std::map<std::string, Array> weights = {};  ///< float32, by the names in the graph's params.
  std::vector<std::string> notes = {};        ///< What a user may want to know, a line each.
  Storage storage = {};                       ///< Owns the weights' bytes.
};

/// The ONNX ops that are read, sorted: as nodes of a network, or only where they are constant.
std::vector<std::string> readable_ops();

/// Turns a model into our graph. The batch is the first axis of every input and becomes 1, whatever
/// size was traced; all that depends on no input's value is computed; local functions are inlined.
/// Nodes keep their names, values that are returned or given keep theirs, and weights those of
/// their initializers. Throws Error naming node and op where that is not possible.
Imported import_model(Model model, const ImportOptions& options = {});

/// The same from a file; messages name it.
Imported read_onnx(const std::filesystem::path& path, const ImportOptions& options = {});

}  // namespace morph::onnx
