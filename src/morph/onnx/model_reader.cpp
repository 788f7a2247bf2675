#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include <protozero/pbf_reader.hpp>

#include "morph/base/error.h"
#include "morph/onnx/model.h"

namespace morph::onnx {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

/// Graphs in attributes of nodes of graphs …: deeper is damage, and reading recurses.
constexpr int kDeepest = 16;
/// More dimensions than any tensor has; each costs eight bytes of memory and one of the file.
constexpr size_t kLargestRank = 64;

std::string_view view(const protozero::data_view& data) { return {data.data(), data.size()}; }

void expect(const pbf_reader& field, pbf_wire_type type) {
  if (field.wire_type() != type) {
    throw Error(cat("field ", field.tag(), " has the wire type of something else"));
  }
}

std::string_view bytes_field(pbf_reader& field) {
  expect(field, pbf_wire_type::length_delimited);
  return view(field.get_view());
}

std::string text_field(pbf_reader& field) { return std::string(bytes_field(field)); }

int64_t int_field(pbf_reader& field) {
  expect(field, pbf_wire_type::varint);
  return field.get_int64();
}

pbf_reader message_field(pbf_reader& field) {
  expect(field, pbf_wire_type::length_delimited);
  return field.get_message();
}

float float_field(pbf_reader& field) {
  expect(field, pbf_wire_type::fixed32);
  return field.get_float();
}

/// Appends a repeated number, packed or not.
void ints_field(pbf_reader& field, std::vector<int64_t>& values) {
  if (field.wire_type() == pbf_wire_type::varint) {
    values.push_back(field.get_int64());
    return;
  }
  expect(field, pbf_wire_type::length_delimited);
  for (const int64_t value : field.get_packed_int64()) values.push_back(value);
}

void floats_field(pbf_reader& field, std::vector<float>& values) {
  if (field.wire_type() == pbf_wire_type::fixed32) {
    values.push_back(field.get_float());
    return;
  }
  expect(field, pbf_wire_type::length_delimited);
  for (const float value : field.get_packed_float()) values.push_back(value);
}

void doubles_field(pbf_reader& field, std::vector<double>& values) {
  if (field.wire_type() == pbf_wire_type::fixed64) {
    values.push_back(field.get_double());
    return;
  }
  expect(field, pbf_wire_type::length_delimited);
  for (const double value : field.get_packed_double()) values.push_back(value);
}

/// Reads messages from the outermost in; what must be decoded goes to the storage.
class Reader {
 public:
  explicit Reader(Storage& storage) : storage_(storage) {}

  void read_into(Model& model, pbf_reader message) {
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          model.ir_version = int_field(message);
          break;
        case 2:
          model.producer_name = text_field(message);
          break;
        case 3:
          model.producer_version = text_field(message);
          break;
        case 7:
          model.graph = graph(message_field(message));
          break;
        case 8:
          add_opset(message_field(message), model.opsets);
          break;
        case 14:
          model.metadata.insert(entry(message_field(message)));
          break;
        case 25:
          model.functions.push_back(function(message_field(message)));
          break;
        default:
          message.skip();
      }
    }
  }

  TensorProto tensor(pbf_reader message) {
    TensorProto result;
    TypedData data;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          ints_field(message, result.array.shape);
          check_rank(result.array.shape.size());
          break;
        case 2:
          result.array.type = static_cast<DataType>(int_field(message));
          break;
        case 8:
          result.name = text_field(message);
          break;
        case 9:
          result.array.bytes = bytes_field(message);
          data.is_raw = true;
          break;
        case 13: {
          const auto [key, value] = entry(message_field(message));
          data.external[key] = value;
          break;
        }
        case 14:
          data.is_external = int_field(message) == 1;
          break;
        default:
          if (!data.read(message)) message.skip();
      }
    }
    finish(result, data);
    return result;
  }

 private:
  /// The fields of a tensor that does not hold its elements raw.
  struct TypedData {
    bool is_raw = false;
    bool is_external = false;
    std::map<std::string, std::string> external = {};
    std::vector<float> floats = {};
    std::vector<int64_t> ints = {};
    std::vector<double> doubles = {};

    /// False if the field is none of them.
    bool read(pbf_reader& message) {
      switch (message.tag()) {
        case 4:
          floats_field(message, floats);
          return true;
        case 5:
        case 7:
        case 11:
          ints_field(message, ints);
          return true;
        case 10:
          doubles_field(message, doubles);
          return true;
        default:
          return false;
      }
    }
  };

  static void check_rank(size_t rank) {
    if (rank > kLargestRank) throw Error(cat("a tensor has more than ", kLargestRank, " axes"));
  }

  static uint64_t external_number(const std::map<std::string, std::string>& fields,
                                  const std::string& key,
                                  uint64_t fallback) {
    const auto it = fields.find(key);
    if (it == fields.end()) return fallback;
    const std::string& text = it->second;
    if (text.empty() || text.size() > 18 ||
        text.find_first_not_of("0123456789") != std::string::npos) {
      throw Error(cat("external data: '", key, "' is no number: '", text, "'"));
    }
    return std::stoull(text);
  }

  /// Half precision stands bit by bit in int32_data.
  std::string decoded(const TypedData& data, DataType type) const {
    if (type == DataType::kFloat16 || type == DataType::kBfloat16) {
      return to_bytes(std::span<const int64_t>(data.ints), DataType::kUint16);
    }
    if (type == DataType::kFloat) {
      const std::vector<double> values(data.floats.begin(), data.floats.end());
      return to_bytes(std::span<const double>(values), type);
    }
    if (type == DataType::kDouble) return to_bytes(std::span<const double>(data.doubles), type);
    if (type == DataType::kUint64) {
      // Read as signed; the bits are the same.
      return to_bytes(std::span<const int64_t>(data.ints), DataType::kInt64);
    }
    return to_bytes(std::span<const int64_t>(data.ints), type);
  }

  void finish(TensorProto& tensor, const TypedData& data) {
    if (tensor.array.type == DataType::kString || element_bytes(tensor.array.type) == 0) {
      tensor.array.bytes = {};
      return;
    }
    const std::string what = cat("tensor '", tensor.name, "'");
    if (data.is_external) {
      const auto location = data.external.find("location");
      if (location == data.external.end() || location->second.empty()) {
        throw Error(cat(what, ": external data without a location"));
      }
      tensor.external.location = location->second;
      tensor.external.offset = external_number(data.external, "offset", 0);
      if (data.external.count("length") != 0) {
        tensor.external.length = static_cast<int64_t>(external_number(data.external, "length", 0));
      }
      count_elements(tensor.array.shape);
      return;
    }
    if (!data.is_raw) tensor.array.bytes = storage_.keep(decoded(data, tensor.array.type));
    check_array(tensor.array, what);
  }

  static std::pair<std::string, std::string> entry(pbf_reader message) {
    std::pair<std::string, std::string> result;
    while (message.next()) {
      if (message.tag() == 1) {
        result.first = text_field(message);
      } else if (message.tag() == 2) {
        result.second = text_field(message);
      } else {
        message.skip();
      }
    }
    return result;
  }

  static void add_opset(pbf_reader message, std::map<std::string, int64_t>& opsets) {
    std::string domain;
    int64_t version = 0;
    while (message.next()) {
      if (message.tag() == 1) {
        domain = text_field(message);
      } else if (message.tag() == 2) {
        version = int_field(message);
      } else {
        message.skip();
      }
    }
    opsets[domain == "ai.onnx" ? "" : domain] = version;
  }

  GraphProto graph(pbf_reader message) {
    if (++depth_ > kDeepest) throw Error("graphs are nested too deep");
    GraphProto result;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          result.nodes.push_back(node(message_field(message)));
          break;
        case 2:
          result.name = text_field(message);
          break;
        case 5:
          result.initializers.push_back(tensor(message_field(message)));
          break;
        case 11:
          result.inputs.push_back(value_info(message_field(message)));
          break;
        case 12:
          result.outputs.push_back(value_info(message_field(message)));
          break;
        case 13:
          result.values.push_back(value_info(message_field(message)));
          break;
        case 15:
          throw Error("sparse initializers are not read");
        default:
          message.skip();
      }
    }
    --depth_;
    return result;
  }

  NodeProto node(pbf_reader message) {
    NodeProto result;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          result.inputs.push_back(text_field(message));
          break;
        case 2:
          result.outputs.push_back(text_field(message));
          break;
        case 3:
          result.name = text_field(message);
          break;
        case 4:
          result.op_type = text_field(message);
          break;
        case 5:
          result.attributes.push_back(attribute(message_field(message)));
          break;
        case 7:
          result.domain = text_field(message);
          break;
        case 8:
          result.overload = text_field(message);
          break;
        default:
          message.skip();
      }
    }
    if (result.op_type.empty()) throw Error(cat("node '", result.name, "' has no op"));
    if (result.domain == "ai.onnx") result.domain.clear();
    return result;
  }

  AttributeProto attribute(pbf_reader message) {
    AttributeProto result;
    int64_t stated = 0;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          result.name = text_field(message);
          break;
        case 2:
          result.floats.push_back(float_field(message));
          break;
        case 3:
          result.ints.push_back(int_field(message));
          break;
        case 4:
        case 9:
          result.strings.push_back(text_field(message));
          break;
        case 5:
        case 10:
          result.tensors.push_back(tensor(message_field(message)));
          break;
        case 6:
        case 11:
          result.graphs.push_back(graph(message_field(message)));
          break;
        case 7:
          floats_field(message, result.floats);
          break;
        case 8:
          ints_field(message, result.ints);
          break;
        case 20:
          stated = int_field(message);
          break;
        case 21:
          result.reference = text_field(message);
          break;
        default:
          message.skip();
      }
    }
    result.type = attribute_type(result, stated);
    return result;
  }

  static AttributeProto::Type attribute_type(const AttributeProto& attribute, int64_t stated) {
    using Type = AttributeProto::Type;
    if (stated > 0 && stated <= static_cast<int64_t>(Type::kStrings)) {
      return complete(attribute, static_cast<Type>(stated));
    }
    if (stated != 0 || !attribute.reference.empty()) return Type::kOther;
    // Files before IR 2 state no type.
    if (!attribute.ints.empty()) return attribute.ints.size() == 1 ? Type::kInt : Type::kInts;
    if (!attribute.floats.empty()) {
      return attribute.floats.size() == 1 ? Type::kFloat : Type::kFloats;
    }
    if (!attribute.strings.empty()) return Type::kString;
    if (!attribute.tensors.empty()) return Type::kTensor;
    return attribute.graphs.empty() ? Type::kInts : Type::kGraph;
  }

  /// The stated type, once the attribute is known to have a value of it.
  static AttributeProto::Type complete(const AttributeProto& attribute, AttributeProto::Type type) {
    using Type = AttributeProto::Type;
    if (!attribute.reference.empty()) return Type::kOther;
    const bool lacks = (type == Type::kFloat && attribute.floats.size() != 1) ||
                       (type == Type::kInt && attribute.ints.size() != 1) ||
                       (type == Type::kString && attribute.strings.size() != 1) ||
                       (type == Type::kTensor && attribute.tensors.size() != 1) ||
                       (type == Type::kGraph && attribute.graphs.size() != 1);
    if (lacks) throw Error(cat("attribute '", attribute.name, "' lacks the one value of its type"));
    return type;
  }

  ValueInfoProto value_info(pbf_reader message) {
    ValueInfoProto result;
    while (message.next()) {
      if (message.tag() == 1) {
        result.name = text_field(message);
      } else if (message.tag() == 2) {
        read_type(result, message_field(message));
      } else {
        message.skip();
      }
    }
    return result;
  }

  static void read_type(ValueInfoProto& result, pbf_reader type) {
    while (type.next()) {
      if (type.tag() != 1) {
        type.skip();
        continue;
      }
      pbf_reader tensor = message_field(type);
      while (tensor.next()) {
        if (tensor.tag() == 1) {
          result.type = static_cast<DataType>(int_field(tensor));
        } else if (tensor.tag() == 2) {
          result.has_shape = true;
          read_shape(result, message_field(tensor));
        } else {
          tensor.skip();
        }
      }
    }
  }

  static void read_shape(ValueInfoProto& result, pbf_reader shape) {
    while (shape.next()) {
      if (shape.tag() != 1) {
        shape.skip();
        continue;
      }
      Dimension dimension;
      pbf_reader message = message_field(shape);
      while (message.next()) {
        if (message.tag() == 1) {
          dimension.value = int_field(message);
        } else if (message.tag() == 2) {
          dimension.name = text_field(message);
        } else {
          message.skip();
        }
      }
      result.shape.push_back(std::move(dimension));
      check_rank(result.shape.size());
    }
  }

  FunctionProto function(pbf_reader message) {
    FunctionProto result;
    while (message.next()) {
      switch (message.tag()) {
        case 1:
          result.name = text_field(message);
          break;
        case 4:
          result.inputs.push_back(text_field(message));
          break;
        case 5:
          result.outputs.push_back(text_field(message));
          break;
        case 7:
          result.nodes.push_back(node(message_field(message)));
          break;
        case 9:
          add_opset(message_field(message), result.opsets);
          break;
        case 10:
          result.domain = text_field(message);
          break;
        case 11:
          result.defaults.push_back(attribute(message_field(message)));
          break;
        case 13:
          result.overload = text_field(message);
          break;
        default:
          message.skip();
      }
    }
    return result;
  }

  Storage& storage_;
  int depth_ = 0;
};

/// Damage that protozero finds, as our kind of error.
template <typename Read>
auto guarded(const Read& read) {
  try {
    return read();
  } catch (const protozero::exception& error) {
    throw Error(cat("damaged, or no ONNX file: ", error.what()));
  }
}

}  // namespace

const AttributeProto* NodeProto::find(std::string_view attribute) const {
  const auto it = std::ranges::find(attributes, attribute, &AttributeProto::name);
  return it == attributes.end() ? nullptr : &*it;
}

Model parse_model(std::string_view bytes) {
  return guarded([&] {
    Model model;
    Reader(model.storage).read_into(model, pbf_reader(bytes.data(), bytes.size()));
    return model;
  });
}

TensorProto parse_tensor(std::string_view bytes, Storage& storage) {
  return guarded([&] { return Reader(storage).tensor(pbf_reader(bytes.data(), bytes.size())); });
}

}  // namespace morph::onnx
