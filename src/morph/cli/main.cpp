#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <c10/util/Exception.h>
#include <malloc.h>
#include <unistd.h>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/cli/commands.h"
#include "morph/cli/terminal.h"
#include "morph/nn/device.h"
#include "morph/train/trainer.h"

namespace {

// Exit codes that scripts can rely on; also in docs/cli.md.
constexpr int kUserError = 1;
constexpr int kUsageError = 2;
constexpr int kInternalError = 70;

std::string version_text() {
  const std::map<std::string, std::string> known = morph::versions();
  return morph::cat("morphnet ", known.at("morphnet"), ", libtorch ", known.at("libtorch"));
}

/// A training step frees and takes the same large blocks over and over; giving them back to the
/// system in between costs a sixth of the step on a CPU.
void keep_freed_memory() {
  constexpr int kOneGiB = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kOneGiB);
  mallopt(M_TRIM_THRESHOLD, kOneGiB);
  mallopt(M_TOP_PAD, 1 << 28);
}

/// Starts the program again with OpenMP threads that sleep while they wait. By default they spin,
/// and where other programs want the cores too, the ones that have work then wait for the spinners:
/// seen to make training six times slower. OpenMP reads the setting before main() is reached.
void wait_without_spinning(char** argv) {
  if (getenv("OMP_WAIT_POLICY") != nullptr || getenv("GOMP_SPINCOUNT") != nullptr) return;
  setenv("OMP_WAIT_POLICY", "passive", 1);
  execv("/proc/self/exe", argv);
}

bool computes(const std::string& command) {
  return command == "learn" || command == "train" || command == "eval";
}

/// What is wrong with the arguments, and where help on them is.
std::string usage_message(const CLI::App* app, const CLI::Error& error) {
  const std::vector<CLI::App*> given = app->get_subcommands();
  const std::string command = given.empty() ? "" : morph::cat(" ", given.front()->get_name());
  return morph::cat("morphnet: ", error.what(), "\nTry: morphnet", command, " --help\n");
}

/// CLI11 would only say that a command is missing.
void refuse_unknown_command(const CLI::App& app, const std::string& word) {
  if (word.empty() || word.front() == '-') return;
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  if (std::find(known.begin(), known.end(), word) != known.end()) return;
  throw CLI::ExtrasError(
      morph::cat("there is no command '", word, "'.", morph::did_you_mean(word, known)),
      CLI::ExitCodes::ExtrasError);
}

int run(int argc, char** argv) {
  CLI::App app(
      "Learns a better structure for a convolutional network: shrinks what earns too little for\n"
      "its cost, widens the rest up to a budget, and retrains.\n\n"
      "NET is zoo:NAME, zoo:NAME?width=0.5&classes=10&input=3x32x32, or a file: X.onnx, or\n"
      "X.morph with its weights in X.safetensors beside it; morphnet zoo lists the networks.\n"
      "DATA is fashion-mnist, cifar10, folder:DIR or synthetic. "
      "Put what has a '?' or '&' in it in quotes.\n\n"
      "Start with:  morphnet learn zoo:resnet8 --data fashion-mnist --budget flops=0.5x",
      "morphnet");
  app.require_subcommand(1);
  app.set_version_flag("--version", version_text(), "Versions of this program and of LibTorch");
  app.failure_message(usage_message);
  app.set_help_all_flag("--help-all", "Help on every command");
  morph::add_learn(app);
  morph::add_sweep(app);
  morph::add_train(app);
  morph::add_eval(app);
  morph::add_cost(app);
  morph::add_inspect(app);
  morph::add_shrink(app);
  morph::add_expand(app);
  morph::add_show(app);
  morph::add_report(app);
  morph::add_zoo(app);
  morph::add_convert(app);
  try {
    if (argc > 1) refuse_unknown_command(app, argv[1]);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : kUsageError;
  }
  return 0;
}

int guarded_run(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const morph::InternalError& e) {
    std::cerr << "morphnet: internal error, please report it: " << e.what() << "\n";
    return kInternalError;
  } catch (const morph::Interrupted& e) {
    std::cerr << "morphnet: " << e.what() << "; the same command with --resume does that\n";
    return kUserError;
  } catch (const morph::Error& e) {
    std::cerr << "morphnet: " << e.what() << "\n";
    return kUserError;
  } catch (const c10::Error& e) {
    std::cerr << "morphnet: internal error, please report it: " << e.what_without_backtrace()
              << "\n";
    return kInternalError;
  } catch (const std::exception& e) {
    std::cerr << "morphnet: internal error, please report it: " << e.what() << "\n";
    return kInternalError;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && computes(argv[1])) wait_without_spinning(argv);
  keep_freed_memory();
  morph::exit_program(guarded_run(argc, argv));
}
