#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "morph/onnx/array.h"

/// The messages of an ONNX file as plain structs, under ONNX's own names: onnx.proto is their
/// reference. Documentation strings, training info and device settings are left out.
namespace morph::onnx {

/// Where a tensor's bytes lie when they are not in the model's file.
struct ExternalData {
  std::string location = {};  ///< Relative to the folder of the model.
  uint64_t offset = 0;
  int64_t length = -1;  ///< -1: as many as the tensor needs.
};

/// A tensor. Its bytes are those of the file where it holds them raw, else decoded from the typed
/// fields; they are absent only for strings.
struct TensorProto {
  std::string name = {};
  Array array = {};
  ExternalData external = {};  ///< Has a location until the bytes are read.
};

struct NodeProto;

/// One dimension of a declared shape: a size, or a name for one that is open.
struct Dimension {
  int64_t value = -1;  ///< -1: open.
  std::string name = {};
};

/// What the file declares of a value.
struct ValueInfoProto {
  std::string name = {};
  DataType type = DataType::kUndefined;  ///< Undefined for what is no tensor.
  bool has_shape = false;
  std::vector<Dimension> shape = {};
};

/// Nodes in an order in which they can be run, with the constants they read.
struct GraphProto {
  std::string name = {};
  std::vector<NodeProto> nodes;  // Without "= {}": clang 14 would want NodeProto complete.
  std::vector<TensorProto> initializers = {};
  std::vector<ValueInfoProto> inputs = {};
  std::vector<ValueInfoProto> outputs = {};
  std::vector<ValueInfoProto> values = {};
};

/// One attribute; which of the fields counts follows from the name.
struct AttributeProto {
  /// Numbered as in ONNX's AttributeProto.AttributeType.
  enum class Type : int32_t {
    kUndefined = 0,
    kFloat = 1,
    kInt = 2,
    kString = 3,
    kTensor = 4,
    kGraph = 5,
    kFloats = 6,
    kInts = 7,
    kStrings = 8,
    kOther = 9,
  };

  std::string name = {};
  Type type = Type::kUndefined;
  std::vector<float> floats = {};  ///< One for kFloat.
  std::vector<int64_t> ints = {};  ///< One for kInt.
  std::vector<std::string> strings = {};
  std::vector<TensorProto> tensors = {};
  std::vector<GraphProto> graphs = {};
  std::string reference = {};  ///< In a function's body: the function's attribute that is meant.
};

/// One operator applied to named values.
struct NodeProto {
  std::string name = {};
  std::string op_type = {};
  std::string domain = {};
  std::string overload = {};
  std::vector<std::string> inputs = {};  ///< "" for an optional input that is left out.
  std::vector<std::string> outputs = {};
  std::vector<AttributeProto> attributes = {};

  const AttributeProto* find(std::string_view attribute) const;
};

/// An op of the file's own, made of others.
struct FunctionProto {
  std::string name = {};
  std::string domain = {};
  std::string overload = {};
  std::vector<std::string> inputs = {};
  std::vector<std::string> outputs = {};
  std::vector<AttributeProto> defaults = {};
  std::vector<NodeProto> nodes = {};
  std::map<std::string, int64_t> opsets = {};
};

/// A whole file. Its arrays look at the storage.
struct Model {
  int64_t ir_version = 0;
  std::string producer_name = {};
  std::string producer_version = {};
  std::map<std::string, int64_t> opsets = {};  ///< By domain; "" is ONNX itself.
  std::map<std::string, std::string> metadata = {};
  GraphProto graph = {};
  std::vector<FunctionProto> functions = {};
  Storage storage = {};
};

/// Reads the bytes of a model, which must outlive it or be in its storage. Throws Error if they are
/// not one, or damaged. External data stay where they are.
Model parse_model(std::string_view bytes);

/// Reads a model and its external data, mapped and not copied. External data must lie in the folder
/// of the model or below it. Throws Error naming the file.
Model read_model(const std::filesystem::path& path);

/// Reads one serialised TensorProto, as the official tests have them. `storage` takes what has to
/// be decoded.
TensorProto parse_tensor(std::string_view bytes, Storage& storage);

/// The file's bytes. Throws Error if they would be more than the 2 GB that protobuf allows.
std::string serialize_model(const Model& model);

/// Where a model's large tensors go when it is written.
enum class Placement {
  kInside,   ///< Into the file; beside it only if that would pass 2 GB.
  kOutside,  ///< Into FILE.data beside it.
};

/// Writes the model's file, and FILE.data where the placement says so.
void write_model(const std::filesystem::path& path,
                 Model model,
                 Placement placement = Placement::kInside);

}  // namespace morph::onnx
