#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "morph/ir/graph.h"

namespace morph::onnx {

/// Element types, numbered as in ONNX's TensorProto.DataType.
enum class DataType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
};

/// "float32"; "type 23" for one that is not in DataType.
std::string type_name(DataType type);

/// Bytes of one element; 0 for types that cannot be computed with (strings, complex, 8 bit floats).
size_t element_bytes(DataType type);

/// Whether elements are floating-point numbers.
bool is_floating(DataType type);

/// A tensor in plain memory that somebody else owns: row-major, little-endian, without gaps.
struct Array {
  DataType type = DataType::kFloat;
  Shape shape = {};
  std::string_view bytes = {};

  bool operator==(const Array&) const = default;
};

/// The number of elements of a shape whose sizes may be 0. Throws Error if one is negative or the
/// product does not fit in 63 bits.
int64_t count_elements(const Shape& shape);

/// Whether all elements are equal, as those of a tensor that was never trained.
bool is_uniform(const Array& array);

/// Throws Error, beginning with `what`, unless the bytes are those that type and shape need.
void check_array(const Array& array, std::string_view what);

/// The elements as numbers. Floating elements as integers, or the reverse, are converted.
std::vector<double> to_doubles(const Array& array);
std::vector<int64_t> to_ints(const Array& array);

/// Numbers as elements of a type, rounded or cut to it.
std::string to_bytes(std::span<const double> values, DataType type);
std::string to_bytes(std::span<const int64_t> values, DataType type);

/// A file in memory, read by the system as it is looked at.
class MappedFile {
 public:
  /// Throws Error naming the file if it cannot be read.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::string_view bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
};

/// Owner of the bytes that Arrays look at. They stay in place when the owner is moved.
class Storage {
 public:
  Storage() = default;
  Storage(Storage&&) = default;
  Storage& operator=(Storage&&) = default;

  std::string_view keep(std::string bytes) { return buffers_.emplace_back(std::move(bytes)); }
  std::string_view keep(MappedFile file) { return files_.emplace_back(std::move(file)).bytes(); }
  /// Lets the system take back the memory of bytes of a mapped file that have been copied
  /// elsewhere; they are read again where they are touched again. Without effect on bytes of no
  /// file.
  void let_go(std::string_view bytes) const;
  /// All that the other one owns, in place.
  void take(Storage other) {
    buffers_.splice(buffers_.end(), other.buffers_);
    files_.splice(files_.end(), other.files_);
  }

 private:
  std::list<std::string> buffers_;
  std::list<MappedFile> files_;
};

}  // namespace morph::onnx
