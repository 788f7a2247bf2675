#include "command.h"

#include <cstdlib>

#include <sys/wait.h>

#include "morph/base/file.h"

namespace morph::test {

std::string in_quotes(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

Outcome Workplace::morphnet(const std::string& arguments) const {
  return shell("\"$morphnet\" " + arguments);
}

Outcome Workplace::shell(const std::string& command) const {
  // One thread: the networks are tiny, and results are compared bit by bit.
  const std::string setting = cat("export OMP_NUM_THREADS=1; morphnet=",
                                  in_quotes(MORPH_COMMAND),
                                  "; cd ",
                                  in_quotes(scratch_.path().string()),
                                  " || exit 99; ");
  const std::string streams =
      cat(" >", in_quotes((*this / ".out").string()), " 2>", in_quotes((*this / ".err").string()));
  const int status = std::system((setting + "{ " + command + "\n}" + streams).c_str());
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = read(".out");
  outcome.err = read(".err");
  return outcome;
}

void Workplace::write(const std::string& name, const std::string& text) const {
  write_file(*this / name, text);
}

std::string Workplace::read(const std::string& name) const { return read_file(*this / name); }

bool Workplace::has(const std::string& name) const { return std::filesystem::exists(*this / name); }

}  // namespace morph::test
