#pragma once

namespace CLI {
class App;
}

namespace morph {

/// Each adds one subcommand to the program; it runs while the command line is parsed.
void add_learn(CLI::App& app);
void add_sweep(CLI::App& app);
void add_train(CLI::App& app);
void add_eval(CLI::App& app);
void add_cost(CLI::App& app);
void add_inspect(CLI::App& app);
void add_shrink(CLI::App& app);
void add_expand(CLI::App& app);
void add_show(CLI::App& app);
void add_report(CLI::App& app);
void add_zoo(CLI::App& app);
void add_convert(CLI::App& app);

}  // namespace morph
