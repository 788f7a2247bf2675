#include "morph/onnx/array.h"

#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "morph/base/error.h"

namespace morph::onnx {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX files hold little-endian numbers");

struct TypeRow {
  DataType type;
  std::string_view name;
  size_t bytes;
};

constexpr std::array kTypes = {
    TypeRow{DataType::kUndefined, "no type", 0},
    TypeRow{DataType::kFloat, "float32", 4},
    TypeRow{DataType::kUint8, "uint8", 1},
    TypeRow{DataType::kInt8, "int8", 1},
    TypeRow{DataType::kUint16, "uint16", 2},
    TypeRow{DataType::kInt16, "int16", 2},
    TypeRow{DataType::kInt32, "int32", 4},
    TypeRow{DataType::kInt64, "int64", 8},
    TypeRow{DataType::kString, "string", 0},
    TypeRow{DataType::kBool, "bool", 1},
    TypeRow{DataType::kFloat16, "float16", 2},
    TypeRow{DataType::kDouble, "float64", 8},
    TypeRow{DataType::kUint32, "uint32", 4},
    TypeRow{DataType::kUint64, "uint64", 8},
    TypeRow{DataType::kBfloat16, "bfloat16", 2},
};

const TypeRow* find_type(DataType type) {
  for (const TypeRow& row : kTypes) {
    if (row.type == type) return &row;
  }
  return nullptr;
}

/// IEEE half precision, 5 bits of exponent and 10 of fraction.
float from_half(uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1F;
  const auto fraction = static_cast<float>(bits & 0x3FF);
  float value =
      std::ldexp(fraction + (exponent == 0 ? 0.0F : 1024.0F), (exponent == 0 ? 1 : exponent) - 25);
  if (exponent == 0x1F) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

/// The nearest half, ties to even.
uint16_t to_half(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::abs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7E00);
  if (magnitude == 0) return sign;
  if (magnitude >= 65520) return static_cast<uint16_t>(sign | 0x7C00);
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const int scale = std::max(exponent, -13) - 11;  // Of the last of 11 bits.
  const auto fraction = static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, -scale)));
  // A carry out of the fraction raises the exponent by one, as it must.
  const uint32_t bits = fraction + (static_cast<uint32_t>(std::max(exponent, -13) + 13) << 10);
  return static_cast<uint16_t>(sign | bits);
}

float from_bfloat(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t to_bfloat(double value) {
  if (std::isnan(value)) return 0x7FC0;
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// A value as an element or number of another type, without undefined behaviour at the edges.
template <typename To, typename From>
To converted(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr auto kLargest = static_cast<double>(std::numeric_limits<To>::max());
    constexpr auto kSmallest = static_cast<double>(std::numeric_limits<To>::min());
    const auto wide = static_cast<double>(value);
    if (std::isnan(wide)) return 0;
    if (wide >= kLargest) return std::numeric_limits<To>::max();
    if (wide <= kSmallest) return std::numeric_limits<To>::min();
  }
  return static_cast<To>(value);
}

/// Calls `visit` with a value of the C++ type in which elements of `type` are stored; half and
/// bfloat16 come as uint16_t.
template <typename Visitor>
auto with_stored_type(DataType type, const Visitor& visit) {
  switch (type) {
    case DataType::kFloat:
      return visit(float{});
    case DataType::kDouble:
      return visit(double{});
    case DataType::kInt8:
      return visit(int8_t{});
    case DataType::kInt16:
      return visit(int16_t{});
    case DataType::kInt32:
      return visit(int32_t{});
    case DataType::kInt64:
      return visit(int64_t{});
    case DataType::kUint8:
    case DataType::kBool:
      return visit(uint8_t{});
    case DataType::kUint16:
    case DataType::kFloat16:
    case DataType::kBfloat16:
      return visit(uint16_t{});
    case DataType::kUint32:
      return visit(uint32_t{});
    case DataType::kUint64:
      return visit(uint64_t{});
    default:
      throw Error(cat("elements of ", type_name(type), " cannot be computed with"));
  }
}

template <typename Number>
std::vector<Number> to_numbers(const Array& array) {
  return with_stored_type(array.type, [&]<typename Stored>(Stored) {
    std::vector<Number> values(array.bytes.size() / sizeof(Stored));
    for (size_t i = 0; i < values.size(); ++i) {
      Stored element{};
      std::memcpy(&element, array.bytes.data() + i * sizeof(Stored), sizeof(Stored));
      if constexpr (std::is_same_v<Stored, uint16_t>) {
        if (array.type == DataType::kFloat16) {
          values[i] = converted<Number>(from_half(element));
          continue;
        }
        if (array.type == DataType::kBfloat16) {
          values[i] = converted<Number>(from_bfloat(element));
          continue;
        }
      }
      values[i] = converted<Number>(element);
    }
    return values;
  });
}

template <typename Number>
std::string bytes_of(std::span<const Number> values, DataType type) {
  return with_stored_type(type, [&]<typename Stored>(Stored) {
    std::string bytes(values.size() * sizeof(Stored), '\0');
    for (size_t i = 0; i < values.size(); ++i) {
      Stored element = converted<Stored>(values[i]);
      if constexpr (std::is_same_v<Stored, uint16_t>) {
        if (type == DataType::kFloat16) element = to_half(static_cast<double>(values[i]));
        if (type == DataType::kBfloat16) element = to_bfloat(static_cast<double>(values[i]));
      }
      if constexpr (std::is_same_v<Stored, uint8_t>) {
        if (type == DataType::kBool) element = values[i] != 0 ? 1 : 0;
      }
      std::memcpy(bytes.data() + i * sizeof(Stored), &element, sizeof(Stored));
    }
    return bytes;
  });
}

}  // namespace

std::string type_name(DataType type) {
  const TypeRow* row = find_type(type);
  return row == nullptr ? cat("type ", static_cast<int32_t>(type)) : std::string(row->name);
}

size_t element_bytes(DataType type) {
  const TypeRow* row = find_type(type);
  return row == nullptr ? 0 : row->bytes;
}

bool is_floating(DataType type) {
  return type == DataType::kFloat || type == DataType::kDouble || type == DataType::kFloat16 ||
         type == DataType::kBfloat16;
}

int64_t count_elements(const Shape& shape) {
  int64_t count = 1;
  bool is_empty = false;
  for (const int64_t size : shape) {
    if (size < 0) throw Error(cat("a tensor cannot have the shape ", format_shape(shape)));
    is_empty = is_empty || size == 0;
    if (size > 0 && __builtin_mul_overflow(count, size, &count)) {
      throw Error(cat("a tensor of shape ", format_shape(shape), " has too many elements"));
    }
  }
  return is_empty ? 0 : count;
}

bool is_uniform(const Array& array) {
  const size_t size = element_bytes(array.type);
  const std::string_view bytes = array.bytes;
  return bytes.size() <= size || bytes.substr(size) == bytes.substr(0, bytes.size() - size);
}

void check_array(const Array& array, std::string_view what) {
  const size_t size = element_bytes(array.type);
  if (size == 0) {
    throw Error(cat(what, ": elements of ", type_name(array.type), " cannot be computed with"));
  }
  int64_t count = 0;
  try {
    count = count_elements(array.shape);
  } catch (const Error& error) {
    throw Error(cat(what, ": ", error.what()));
  }
  if (array.bytes.size() / size != static_cast<size_t>(count) || array.bytes.size() % size != 0) {
    throw Error(cat(what,
                    ": a tensor of ",
                    type_name(array.type),
                    " and shape ",
                    format_shape(array.shape),
                    " cannot have ",
                    array.bytes.size(),
                    " bytes"));
  }
}

std::vector<double> to_doubles(const Array& array) { return to_numbers<double>(array); }
std::vector<int64_t> to_ints(const Array& array) { return to_numbers<int64_t>(array); }

std::string to_bytes(std::span<const double> values, DataType type) {
  return bytes_of(values, type);
}
std::string to_bytes(std::span<const int64_t> values, DataType type) {
  return bytes_of(values, type);
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const auto fail = [&](int error) {
    throw Error(cat("cannot read '", path.string(), "': ", std::strerror(error)));
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(errno);
  struct stat status {};
  const bool is_file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  void* data = nullptr;
  size_ = is_file ? static_cast<size_t>(status.st_size) : 0;
  if (size_ > 0) data = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int error = errno;
  ::close(descriptor);
  if (!is_file) throw Error(cat("cannot read '", path.string(), "': not a regular file"));
  if (data == MAP_FAILED) fail(error);
  data_ = static_cast<const char*>(data);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
}

void Storage::let_go(std::string_view bytes) const {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  for (const MappedFile& file : files_) {
    const std::string_view all = file.bytes();
    const std::less<const char*> before;
    if (before(bytes.data(), all.data()) || before(all.data() + all.size(), bytes.data())) continue;
    // The whole pages among them; a mapping begins with one.
    const auto first = static_cast<size_t>(bytes.data() - all.data());
    const size_t begin = (first + page - 1) / page * page;
    const size_t end = (first + bytes.size()) / page * page;
    if (begin < end) {
      ::madvise(const_cast<char*>(all.data()) + begin, end - begin, MADV_DONTNEED);
    }
    return;
  }
}

}  // namespace morph::onnx
