#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/ir/text.h"

namespace morph {

void add_show(CLI::App& app) {
  struct Arguments {
    std::string network;
    bool dot = false;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("show", "Print a network in its text form");
  command->add_option("NET", arguments->network, "zoo:NAME, X.morph or X.onnx")->required();
  command->add_flag("--dot", arguments->dot, "Print it for Graphviz: … --dot | dot -Tsvg > x.svg");
  command->callback([arguments] {
    const Network network = load_network(arguments->network);
    std::cout << (arguments->dot ? print_dot(network.graph) : print_graph(network.graph));
  });
}

}  // namespace morph
