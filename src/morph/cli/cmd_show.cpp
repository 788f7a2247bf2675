#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/ir/text.h"

namespace morph {

void add_show(CLI::App& app) {
  struct Arguments {
    NetworkArgument network;
    bool dot = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("show", "Print a network in its text form");
  command->add_option("NET", arguments->network.name, "zoo:NAME, X.morph or X.onnx")->required();
  arguments->network.add_opaque_to(*command);
  command->add_flag("--dot", arguments->dot, "Print it for Graphviz: … --dot | dot -Tsvg > x.svg");
  command->callback([arguments] {
    const Network network = arguments->network.load();
    std::cout << (arguments->dot ? print_dot(network.graph) : print_graph(network.graph));
  });
}

}  // namespace morph
