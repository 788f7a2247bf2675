#include "morph/base/file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "morph/base/error.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, std::string_view what, int error) {
  throw Error(cat("cannot ", what, " '", path.string(), "': ", std::strerror(error)));
}

void sync(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

fs::path temporary_name(const fs::path& path) {
  return path.parent_path() / cat(".", path.filename().string(), ".", ::getpid(), ".tmp");
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::error_code code;
  if (fs::is_directory(path, code)) fail(path, "read", EISDIR);
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(path, "read", errno == 0 ? ENOENT : errno);
  std::string bytes;
  const auto size = fs::file_size(path, code);
  if (!code) bytes.reserve(size);
  bytes.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  return bytes;
}

void write_file(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  if (path.has_parent_path()) {
    std::error_code code;
    fs::create_directories(path.parent_path(), code);
    if (code) fail(path.parent_path(), "make the folder", code.value());
  }
  const fs::path temporary = temporary_name(path);
  try {
    errno = 0;
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    if (!out) fail(path, "write", errno);
    write(out);
    out.close();
    if (!out) fail(path, "write", errno == 0 ? EIO : errno);
    sync(temporary);
    std::error_code code;
    fs::rename(temporary, path, code);
    if (code) fail(path, "write", code.value());
    sync(path.has_parent_path() ? path.parent_path() : fs::path("."));
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
}

void write_file(const fs::path& path, std::string_view bytes) {
  write_file(path, [bytes](std::ostream& out) {
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  });
}

void make_writable_folder(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) fail(path, "make the folder", code.value());
  if (::access(path.c_str(), W_OK) != 0) fail(path, "write into", errno);
}

}  // namespace morph
