#include "morph/sweep/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "morph/base/error.h"

extern char** environ;

namespace morph {
namespace {

constexpr int kCannotExecute = 127;  // As shells have it.

/// Texts as execve() wants them; they point into `texts`.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) entries.push_back(text);
  }
  for (const auto& [name, value] : added) entries.push_back(cat(name, "=", value));
  return entries;
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// What the new process does: only calls that are safe between fork() and execve().
[[noreturn]] void become(const char* program, char** arguments, char** environment, int log) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execve(program, arguments, environment);
  _exit(kCannotExecute);
}

}  // namespace

ChildProcess::ChildProcess(const ChildOptions& options) {
  std::vector<std::string> words = {"morphnet"};
  words.insert(words.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> variables = merged_environment(options.environment);
  const std::vector<char*> arguments = pointers(words);
  const std::vector<char*> environment = pointers(variables);
  const int log = open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log < 0) throw Error(cat("cannot write '", options.log.string(), "': ", strerror(errno)));
  pid_ = fork();
  if (pid_ == 0) {
    become(options.program.c_str(),
           const_cast<char**>(arguments.data()),
           const_cast<char**>(environment.data()),
           log);
  }
  const int error = errno;
  close(log);
  if (pid_ < 0) throw Error(cat("cannot start '", options.program, "': ", strerror(error)));
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || status_) return;
  ask_to_end();
  wait();
}

std::optional<int> ChildProcess::poll() {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = exit_status(status);
  return status_;
}

void ChildProcess::ask_to_end() {
  if (!status_) kill(pid_, SIGTERM);
}

int ChildProcess::wait() {
  int status = 0;
  while (!status_) {
    if (waitpid(pid_, &status, 0) == pid_) {
      status_ = exit_status(status);
    } else if (errno != EINTR) {
      status_ = kCannotExecute;
    }
  }
  return *status_;
}

}  // namespace morph
