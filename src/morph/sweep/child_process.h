#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace morph {

/// What to run.
struct ChildOptions {
  std::string program = {};                             ///< Path of the file to execute.
  std::vector<std::string> arguments = {};              ///< Without the program's own name.
  std::map<std::string, std::string> environment = {};  ///< Added to that of this process.
  std::filesystem::path log = {};  ///< Its output and errors are appended to this file.
};

/// A program that runs beside this one. It is in a process group of its own, so Ctrl-C on a
/// terminal reaches this process alone; and it is asked to end (SIGTERM) should this process die.
class ChildProcess {
 public:
  /// Starts it. Throws Error if the log cannot be written or the system has no room for a process.
  explicit ChildProcess(const ChildOptions& options);

  /// Asks it to end and waits for that, if it still runs.
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ChildProcess& operator=(ChildProcess&&) = delete;

  /// Its exit status once it has ended, 128 + N if signal N ended it; nothing while it runs.
  std::optional<int> poll();

  /// Sends SIGTERM, at which morphnet writes a checkpoint and ends.
  void ask_to_end();

  /// Waits until it has ended; its exit status as poll() has it.
  int wait();

 private:
  pid_t pid_ = -1;  // -1: moved from.
  std::optional<int> status_ = {};
};

}  // namespace morph
