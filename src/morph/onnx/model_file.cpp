#include <cstring>
#include <functional>
#include <set>
#include <system_error>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/onnx/model.h"

namespace morph::onnx {
namespace {

namespace fs = std::filesystem;

/// Protobuf's limit on a message, with room for all that is not tensors.
constexpr size_t kMostInside = (size_t{1} << 31) - (size_t{16} << 20);
/// Smaller tensors are read faster from within the file; as PyTorch has it.
constexpr size_t kLeastOutside = 1024;
/// Lets the file be mapped with aligned tensors.
constexpr size_t kAlignment = 64;

void visit_tensors(GraphProto& graph, const std::function<void(TensorProto&)>& visit);

void visit_tensors(std::vector<NodeProto>& nodes, const std::function<void(TensorProto&)>& visit) {
  for (NodeProto& node : nodes) {
    for (AttributeProto& attribute : node.attributes) {
      for (TensorProto& tensor : attribute.tensors) visit(tensor);
      for (GraphProto& inner : attribute.graphs) visit_tensors(inner, visit);
    }
  }
}

void visit_tensors(GraphProto& graph, const std::function<void(TensorProto&)>& visit) {
  for (TensorProto& tensor : graph.initializers) visit(tensor);
  visit_tensors(graph.nodes, visit);
}

/// The path of external data. It must not lead out of the model's folder, by name or by link: a
/// model from elsewhere could read any file.
fs::path external_path(const fs::path& folder, const std::string& location) {
  const fs::path relative(location);
  bool leaves = relative.is_absolute() || location.find('\0') != std::string::npos;
  for (const fs::path& part : relative) leaves = leaves || part == "..";
  const fs::path path = folder / relative;
  std::error_code code;
  const fs::path real = fs::weakly_canonical(path, code);
  const fs::path inside = fs::weakly_canonical(folder, code);
  if (!leaves && !code) {
    const fs::path from_folder = real.lexically_relative(inside);
    leaves = from_folder.empty() || *from_folder.begin() == "..";
  }
  if (leaves || code) {
    throw Error(cat("external data '", location, "' do not lie in the folder of the model"));
  }
  return path;
}

/// Maps each file of external data once.
class ExternalFiles {
 public:
  ExternalFiles(fs::path folder, Storage& storage)
      : folder_(std::move(folder)), storage_(storage) {}

  void load(TensorProto& tensor) {
    const ExternalData& place = tensor.external;
    if (place.location.empty()) return;
    const std::string what = cat("tensor '", tensor.name, "'");
    const std::string_view file = open(place.location, what);
    const uint64_t needed = static_cast<uint64_t>(count_elements(tensor.array.shape));
    uint64_t length = 0;
    if (__builtin_mul_overflow(needed, element_bytes(tensor.array.type), &length)) {
      throw Error(cat(what, " has too many elements"));
    }
    if (place.length >= 0) length = static_cast<uint64_t>(place.length);
    if (place.offset > file.size() || length > file.size() - place.offset) {
      throw Error(cat(what,
                      ": external data '",
                      place.location,
                      "' have ",
                      file.size(),
                      " bytes, wanted are ",
                      length,
                      " from ",
                      place.offset));
    }
    tensor.array.bytes = file.substr(place.offset, length);
    check_array(tensor.array, what);
    tensor.external = {};
  }

 private:
  std::string_view open(const std::string& location, const std::string& what) {
    const auto it = open_.find(location);
    if (it != open_.end()) return it->second;
    try {
      const std::string_view bytes = storage_.keep(MappedFile(external_path(folder_, location)));
      return open_[location] = bytes;
    } catch (const Error& error) {
      throw Error(cat(what, ": ", error.what()));
    }
  }

  fs::path folder_;
  Storage& storage_;
  std::map<std::string, std::string_view> open_;
};

size_t tensor_bytes(GraphProto& graph) {
  size_t total = 0;
  visit_tensors(graph, [&](TensorProto& tensor) { total += tensor.array.bytes.size(); });
  return total;
}

/// Writes the large initializers beside the model and lets them point there.
void write_external(const fs::path& path, Model& model) {
  const std::string location = path.filename().string() + ".data";
  write_file(fs::path(path) += ".data", [&](std::ostream& out) {
    const std::string zeros(kAlignment, '\0');
    uint64_t offset = 0;
    for (TensorProto& tensor : model.graph.initializers) {
      const std::string_view bytes = tensor.array.bytes;
      if (bytes.size() < kLeastOutside) continue;
      const uint64_t gap = (kAlignment - offset % kAlignment) % kAlignment;
      out.write(zeros.data(), static_cast<std::streamsize>(gap));
      out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      tensor.external = {.location = location,
                         .offset = offset + gap,
                         .length = static_cast<int64_t>(bytes.size())};
      offset += gap + bytes.size();
    }
  });
}

}  // namespace

Model read_model(const fs::path& path) {
  try {
    MappedFile file(path);
    const std::string_view bytes = file.bytes();
    Model model = parse_model(bytes);
    model.storage.keep(std::move(file));
    ExternalFiles files(path.has_parent_path() ? path.parent_path() : fs::path("."), model.storage);
    const auto load = [&](TensorProto& tensor) { files.load(tensor); };
    visit_tensors(model.graph, load);
    for (FunctionProto& function : model.functions) visit_tensors(function.nodes, load);
    return model;
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.find(path.string()) != std::string::npos) throw;
    throw Error(cat("'", path.string(), "': ", message));
  }
}

void write_model(const fs::path& path, Model model, Placement placement) {
  if (placement == Placement::kOutside || tensor_bytes(model.graph) > kMostInside) {
    write_external(path, model);
  }
  write_file(path, serialize_model(model));
}

}  // namespace morph::onnx
