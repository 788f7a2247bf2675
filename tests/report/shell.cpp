#include "shell.h"

#include <array>
#include <cstdio>

#include "morph/base/error.h"
#include "morph/base/file.h"

namespace morph {

ShellResult run_shell(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  MORPH_CHECK(pipe != nullptr);
  ShellResult result;
  std::array<char, 4096> buffer{};
  while (const size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.output.append(buffer.data(), got);
  }
  result.status = pclose(pipe);
  return result;
}

std::string quoted(const std::string& text) {
  std::string word = "'";
  for (const char letter : text) word += letter == '\'' ? "'\\''" : std::string(1, letter);
  return word + "'";
}

bool has_program(const std::string& name) {
  return run_shell("command -v " + quoted(name)).status == 0;
}

std::filesystem::path output_folder() {
  const auto folder = std::filesystem::path(MORPH_BINARY_DIR) / "tests" / "report" / "pages";
  make_writable_folder(folder);
  return folder;
}

}  // namespace morph
