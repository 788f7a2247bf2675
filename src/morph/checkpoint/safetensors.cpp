#include "morph/checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/lt.h>
#include <c10/core/ScalarType.h>
#include <nlohmann/json.hpp>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/ir/graph.h"

namespace morph {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "the file holds little-endian numbers");

constexpr uint64_t kLengthBytes = 8;
/// The format's own limit; keeps a damaged length from asking for memory.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::string_view kMetadataKey = "__metadata__";

/// One element type: its name in the file, LibTorch's, and its smallest normal number.
struct DType {
  std::string_view name;
  at::ScalarType type;
  double smallest_normal;  ///< 0 for types without subnormals.
};

constexpr std::array kDTypes = {
    DType{"F64", at::kDouble, 0x1p-1022},
    DType{"F32", at::kFloat, 0x1p-126},
    DType{"F16", at::kHalf, 0x1p-14},
    DType{"BF16", at::kBFloat16, 0x1p-126},
    DType{"I64", at::kLong, 0},
    DType{"I32", at::kInt, 0},
    DType{"I16", at::kShort, 0},
    DType{"I8", at::kChar, 0},
    DType{"U8", at::kByte, 0},
    DType{"BOOL", at::kBool, 0},
};

size_t element_bytes(const DType& dtype) { return c10::elementSize(dtype.type); }

/// Where one tensor stands in the data part of a file.
struct Entry {
  std::string name = {};
  const DType* dtype = nullptr;
  Shape shape = {};
  uint64_t begin = 0;
  uint64_t end = 0;
};

const DType& dtype_of(const std::string& name, const at::Tensor& tensor) {
  if (!tensor.defined()) throw Error(cat("cannot save '", name, "': it is undefined"));
  const auto it = std::ranges::find(kDTypes, tensor.scalar_type(), &DType::type);
  if (it == kDTypes.end()) {
    throw Error(cat("cannot save '", name, "': safetensors has no type for ", tensor.dtype()));
  }
  return *it;
}

/// Every tensor's place: those of large elements first, so that each is aligned to its own.
std::vector<Entry> plan_entries(const std::map<std::string, at::Tensor>& tensors) {
  std::vector<Entry> entries;
  for (const auto& [name, tensor] : tensors) {
    if (name == kMetadataKey) throw Error(cat("no tensor can be saved as '", name, "'"));
    entries.push_back({.name = name,
                       .dtype = &dtype_of(name, tensor),
                       .shape = Shape(tensor.sizes().begin(), tensor.sizes().end())});
  }
  std::ranges::stable_sort(
      entries, std::greater{}, [](const Entry& entry) { return element_bytes(*entry.dtype); });
  uint64_t offset = 0;
  for (Entry& entry : entries) {
    entry.begin = offset;
    offset += static_cast<uint64_t>(element_count(entry.shape)) * element_bytes(*entry.dtype);
    entry.end = offset;
  }
  return entries;
}

/// The JSON header, filled up with blanks so that the data starts at a multiple of eight.
std::string header_text(const std::vector<Entry>& entries, const TensorFile& content) {
  json header = json::object();
  if (!content.metadata.empty()) header[kMetadataKey] = content.metadata;
  for (const Entry& entry : entries) {
    header[entry.name] = {{"dtype", entry.dtype->name},
                          {"shape", entry.shape},
                          {"data_offsets", {entry.begin, entry.end}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    throw Error("cannot save tensors: a name or a metadata text is not valid UTF-8");
  }
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  return text;
}

/// The tensor as it goes to the file. Subnormals slow arithmetic down a hundredfold and mean
/// nothing in a weight.
at::Tensor stored_form(const at::Tensor& tensor, const DType& dtype) {
  const at::Tensor stored = tensor.detach().to(at::kCPU).contiguous();
  if (dtype.smallest_normal == 0) return stored;
  return stored.masked_fill(at::lt(at::abs(stored), dtype.smallest_normal), 0);
}

void write_bytes(std::ostream& out, const void* data, size_t size) {
  out.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
}

[[noreturn]] void fail(const fs::path& path, const std::string& fault) {
  throw Error(cat("'", path.string(), "' is not a sound safetensors file: ", fault));
}

/// A file being read: its size is known before anything is allocated for its content.
class Source {
 public:
  explicit Source(const fs::path& path) : path_(path) {
    std::error_code code;
    if (!fs::is_regular_file(path, code)) {
      throw Error(cat("cannot read '",
                      path.string(),
                      "': ",
                      fs::exists(path, code) ? "not a regular file" : "no such file"));
    }
    size_ = rest_ = fs::file_size(path, code);
    in_.open(path, std::ios::binary);
    if (code || !in_) throw Error(cat("cannot read '", path.string(), "': permission denied?"));
  }

  const fs::path& path() const { return path_; }
  uint64_t size() const { return size_; }

  /// Bytes not read yet.
  uint64_t rest() const { return rest_; }

  void read(void* target, uint64_t count) {
    in_.read(static_cast<char*>(target), static_cast<std::streamsize>(count));
    if (!in_ || count > rest_) fail(path_, "it ends too soon");
    rest_ -= count;
  }

 private:
  fs::path path_;
  std::ifstream in_;
  uint64_t size_ = 0;
  uint64_t rest_ = 0;
};

json read_header(Source& source) {
  if (source.size() < kLengthBytes) {
    fail(source.path(), cat("it has only ", source.size(), " bytes"));
  }
  uint64_t length = 0;
  source.read(&length, sizeof(length));
  if (length > kMaxHeaderBytes || length > source.size() - kLengthBytes) {
    fail(source.path(),
         cat("its header should have ", length, " bytes but the file has ", source.size()));
  }
  std::string text(length, '\0');
  source.read(text.data(), length);
  json header = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) fail(source.path(), "its header is not a JSON object");
  return header;
}

/// The non-negative integers of a JSON list, or nothing if it is anything else.
std::optional<std::vector<uint64_t>> counts(const json& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<uint64_t> values;
  for (const json& value : list) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > INT64_MAX) return std::nullopt;
    values.push_back(value.get<uint64_t>());
  }
  return values;
}

/// By reference: copying JSON recurses, and a damaged file may nest it as deep as it is long.
const json& field(const json& object, const char* key) {
  static const json kAbsent;
  return object.is_object() && object.contains(key) ? object[key] : kAbsent;
}

Entry parse_entry(const fs::path& path, const std::string& name, const json& description) {
  Entry entry{.name = name};
  const json& dtype = field(description, "dtype");
  const std::string type = dtype.is_string() ? dtype.get<std::string>() : "(none)";
  const auto known = std::ranges::find(kDTypes, type, &DType::name);
  if (known == kDTypes.end()) {
    fail(path, cat("tensor '", name, "' has the unknown dtype ", type));
  }
  entry.dtype = &*known;
  const auto shape = counts(field(description, "shape"));
  if (!shape) fail(path, cat("tensor '", name, "' has no shape of non-negative integers"));
  entry.shape.assign(shape->begin(), shape->end());
  const auto offsets = counts(field(description, "data_offsets"));
  if (!offsets || offsets->size() != 2 || (*offsets)[0] > (*offsets)[1]) {
    fail(path, cat("tensor '", name, "' has no data_offsets [begin, end]"));
  }
  entry.begin = (*offsets)[0];
  entry.end = (*offsets)[1];
  return entry;
}

/// Throws unless the entry's bytes are those that its shape needs.
void check_size(const fs::path& path, const Entry& entry) {
  int64_t bytes = static_cast<int64_t>(element_bytes(*entry.dtype));
  bool fits = true;
  for (const int64_t extent : entry.shape) {
    fits = fits && !__builtin_mul_overflow(bytes, std::max<int64_t>(extent, 1), &bytes);
  }
  if (std::ranges::count(entry.shape, 0) != 0) bytes = 0;
  if (!fits || entry.end - entry.begin != static_cast<uint64_t>(bytes)) {
    fail(path,
         cat("tensor '",
             entry.name,
             "' of shape ",
             format_shape(entry.shape),
             " and type ",
             entry.dtype->name,
             " cannot have ",
             entry.end - entry.begin,
             " bytes"));
  }
}

/// Throws unless the entries, sorted by place, fill the data part without gap or overlap.
void check_places(const Source& source, const std::vector<Entry>& entries) {
  const uint64_t data_bytes = source.rest();
  uint64_t filled = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != filled) {
      fail(source.path(),
           cat("tensor '", entry.name, "' begins at ", entry.begin, ", expected ", filled));
    }
    filled = entry.end;
    if (filled > data_bytes) {
      fail(source.path(),
           cat("tensor '", entry.name, "' ends at ", filled, " of ", data_bytes, " bytes"));
    }
  }
  if (filled != data_bytes) {
    fail(source.path(), cat("its tensors fill ", filled, " of ", data_bytes, " bytes"));
  }
}

std::map<std::string, std::string> parse_metadata(const fs::path& path, const json& object) {
  std::map<std::string, std::string> metadata;
  if (!object.is_object()) fail(path, "its metadata is not a JSON object");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) fail(path, cat("its metadata '", key, "' is not a text"));
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

at::Tensor read_tensor(Source& source, const Entry& entry) {
  at::Tensor tensor = at::empty(entry.shape, entry.dtype->type);
  const uint64_t count = entry.end - entry.begin;
  source.read(tensor.data_ptr(), count);
  if (entry.dtype->type == at::kBool) {
    const auto* bytes = static_cast<const uint8_t*>(tensor.const_data_ptr());
    if (std::any_of(bytes, bytes + count, [](uint8_t byte) { return byte > 1; })) {
      fail(source.path(), cat("tensor '", entry.name, "' has a truth value other than 0 and 1"));
    }
  }
  return tensor;
}

}  // namespace

void write_safetensors(const fs::path& path, const TensorFile& content) {
  const std::vector<Entry> entries = plan_entries(content.tensors);
  const std::string header = header_text(entries, content);
  write_file(path, [&](std::ostream& out) {
    const uint64_t length = header.size();
    write_bytes(out, &length, sizeof(length));
    write_bytes(out, header.data(), header.size());
    for (const Entry& entry : entries) {
      const at::Tensor stored = stored_form(content.tensors.at(entry.name), *entry.dtype);
      write_bytes(out, stored.const_data_ptr(), entry.end - entry.begin);
    }
  });
}

TensorFile read_safetensors(const fs::path& path) {
  Source source(path);
  TensorFile content;
  std::vector<Entry> entries;
  const json header = read_header(source);
  for (const auto& [name, description] : header.items()) {
    if (name == kMetadataKey) {
      content.metadata = parse_metadata(path, description);
    } else {
      entries.push_back(parse_entry(path, name, description));
      check_size(path, entries.back());
    }
  }
  std::ranges::sort(
      entries, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  check_places(source, entries);
  for (const Entry& entry : entries) content.tensors[entry.name] = read_tensor(source, entry);
  return content;
}

}  // namespace morph
