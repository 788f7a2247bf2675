#pragma once

#include <filesystem>
#include <string>

namespace morph {

struct ShellResult {
  int status = 0;
  std::string output = {};  ///< Standard output and error together.
};

/// Runs a command line by the shell.
ShellResult run_shell(const std::string& command);

/// `text` as one word of a command line.
std::string quoted(const std::string& text);

/// True if the shell finds the program.
bool has_program(const std::string& name);

/// The folder for what these tests write.
std::filesystem::path output_folder();

}  // namespace morph
