#include "morph/cli/terminal.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <sstream>

#include <sys/ioctl.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include "morph/base/file.h"

namespace morph {
namespace {

std::atomic<bool> stop_requested{false};

void request_stop(int signal) {
  stop_requested = true;
  std::signal(signal, SIG_DFL);
}

bool is_numeric(const std::string& text) {
  return !text.empty() && text.find_first_of("0123456789") == 0;
}

}  // namespace

ProgressTarget standard_output() {
  return isatty(STDOUT_FILENO) != 0 ? ProgressTarget::kTerminal : ProgressTarget::kPlain;
}

size_t terminal_columns() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 100;
}

const std::atomic<bool>& stop_on_signal() {
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  return stop_requested;
}

std::string command_line() {
  std::string arguments = read_file("/proc/self/cmdline");
  if (!arguments.empty() && arguments.back() == '\0') arguments.pop_back();
  std::replace(arguments.begin(), arguments.end(), '\0', ' ');
  const size_t program = arguments.find("morphnet");
  return program == std::string::npos ? arguments : arguments.substr(program);
}

std::string timestamp() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::map<std::string, std::string> versions() {
  return {{"morphnet", MORPH_VERSION}, {"libtorch", TORCH_VERSION}};
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::ostringstream out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - row[c].size(), ' ');
      const bool right = rows.size() > 1 && is_numeric(rows[1][c]);
      line += (c == 0 ? "" : "  ") + (right ? padding + row[c] : row[c] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
  return out.str();
}

}  // namespace morph
