#pragma once

#include <filesystem>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace morph {

/// The whole file. Throws Error naming the path if it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// Writes `path` so that a reader sees the old file or all of the new one, never a part: temporary
/// name in the same folder, fsync, rename. Missing parent folders are made. Throws Error naming the
/// path and the system's reason.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The same for content that is streamed: `write` is called once with the temporary file.
void write_file(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);

/// Makes the folder and its parents; throws Error if it cannot be made or written into.
void make_writable_folder(const std::filesystem::path& path);

}  // namespace morph
