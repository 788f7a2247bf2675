#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "morph/train/progress.h"

namespace morph {

/// Whether standard output is a terminal.
ProgressTarget standard_output();

/// The width of the terminal, or 100.
size_t terminal_columns();

/// A flag that becomes true when the user presses Ctrl-C or the process is asked to end; a second
/// Ctrl-C ends it at once.
const std::atomic<bool>& stop_on_signal();

/// The command line of this process, as typed.
std::string command_line();

/// Now, in UTC: "2026-01-31T12:00:00Z".
std::string timestamp();

/// Versions of this program and of LibTorch.
std::map<std::string, std::string> versions();

/// What is in columns, aligned; the first row is the head. Columns of numbers are right-aligned.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace morph
