#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>
#include <c10/util/Exception.h>

#include "morph/base/error.h"
#include "morph/cli/commands.h"

namespace {

// Exit codes that scripts can rely on; also in docs/cli.md.
constexpr int kUserError = 1;
constexpr int kUsageError = 2;
constexpr int kInternalError = 70;

int run(int argc, char** argv) {
  CLI::App app(
      "Learns a better structure for a convolutional network: shrinks what earns too little for "
      "its cost, widens the rest up to a budget, and retrains.\n\n"
      "NET is zoo:NAME, zoo:NAME?width=0.5&classes=10&input=3x32x32, or a file X.morph with its "
      "weights in X.safetensors beside it. DATA is fashion-mnist, cifar10, folder:DIR or "
      "synthetic.\n\n"
      "Start with:  morphnet learn zoo:resnet8 --data fashion-mnist --budget flops=0.5x",
      "morphnet");
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "Help on every command");
  morph::add_learn(app);
  morph::add_train(app);
  morph::add_eval(app);
  morph::add_cost(app);
  morph::add_inspect(app);
  morph::add_shrink(app);
  morph::add_expand(app);
  morph::add_show(app);
  morph::add_report(app);
  try {
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
  const int code = guarded_run(argc, argv);
  std::cout.flush();
  std::cerr.flush();
  // Without static destructors: those of the CUDA libraries, loaded late, free what others have
  // freed (pytorch#36408).
  std::_Exit(code);
}
