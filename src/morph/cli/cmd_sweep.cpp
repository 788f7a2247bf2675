#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>

#include "morph/base/error.h"
#include "morph/base/file.h"
#include "morph/base/json_file.h"
#include "morph/base/strings.h"
#include "morph/cli/arguments.h"
#include "morph/cli/commands.h"
#include "morph/cli/passed_options.h"
#include "morph/cli/terminal.h"
#include "morph/ir/text.h"
#include "morph/learn/budget.h"
#include "morph/nn/device.h"
#include "morph/report/numbers.h"
#include "morph/report/resources.h"
#include "morph/sweep/point_runner.h"
#include "morph/sweep/sweep_progress.h"
#include "morph/sweep/sweep_results.h"
#include "morph/train/trainer.h"

namespace morph {
namespace {

constexpr const char* kRequestFile = "sweep.json";

struct SweepCommand {
  std::string network = {};
  DataArguments data = {};
  PassedOptions passed_on = {};
  std::string budgets = {};
  std::vector<std::string> methods = sweep_methods();
  uint64_t first_seed = 0;
  int64_t seeds = 1;
  int64_t jobs = 1;
  int64_t epochs = 30;
  std::optional<int64_t> retrain_epochs = {};
  bool inherit = false;
  std::vector<std::string> devices = {"cpu"};
  std::string out = {};
};

/// Each of the other commands, which are asked for their options and never run.
CLI::App& other_commands() {
  static CLI::App app;
  static const bool added = [] {
    add_learn(app);
    add_train(app);
    add_shrink(app);
    add_expand(app);
    return true;
  }();
  static_cast<void>(added);
  return app;
}

void check(const SweepCommand& command) {
  if (command.seeds < 1) throw Error(cat("--seeds: expected 1 or more, got ", command.seeds));
  if (command.jobs < 1) throw Error(cat("--jobs: expected 1 or more, got ", command.jobs));
  for (const std::string& method : command.methods) {
    const std::vector<std::string>& known = sweep_methods();
    if (std::find(known.begin(), known.end(), method) != known.end()) continue;
    throw Error(cat("--methods: expected ",
                    join(known, ", "),
                    ", got '",
                    method,
                    "'.",
                    did_you_mean(method, known)));
  }
  // Whether a GPU will do its points say; a name that is none would fail all of them.
  for (const std::string& device : command.devices) {
    if (device.rfind("cuda", 0) != 0) open_device(device);
  }
}

/// Where points are taught and nobody is named, their seed network teaches.
bool seed_teaches(const SweepCommand& command) {
  const std::vector<std::string> distill = command.passed_on.values("--distill");
  const TeacherArguments teacher{.distill = distill.empty() ? "" : distill.back()};
  return teacher.is_wanted() && command.passed_on.values("--teacher").empty();
}

/// For the time that is left.
int64_t most_rounds(const SweepCommand& command) {
  const std::vector<std::string> rounds = command.passed_on.values("--rounds");
  if (rounds.empty() || rounds.back() == "auto") return 1;
  return static_cast<int64_t>(parse_count(rounds.back(), "--rounds"));
}

SweepRequest make_request(const SweepCommand& command) {
  SweepRequest request{.root = command.out,
                       .network = std::filesystem::path(command.out) / "networks" / "seed.morph",
                       .data = command.data.specification,
                       .budgets = split_budgets(command.budgets),
                       .methods = command.methods,
                       .first_seed = static_cast<int64_t>(command.first_seed),
                       .seeds = command.seeds,
                       .epochs = command.epochs,
                       .retrain_epochs = command.retrain_epochs.value_or(2 * command.epochs),
                       .inherit = command.inherit,
                       .expands = !command.passed_on.values("--expand").empty(),
                       .rounds = most_rounds(command),
                       .seed_teaches = seed_teaches(command)};
  for (const char* name : {"learn", "train", "shrink", "expand"}) {
    const CLI::App& other = *other_commands().get_subcommand(name);
    std::vector<std::string> arguments = command.passed_on.arguments_for(other);
    if (other.get_option_no_throw("--image-size") != nullptr) {
      arguments.push_back(cat("--image-size=", command.data.image_size));
    }
    request.passed_on[name] = arguments;
  }
  return request;
}

/// What may not change from one call to the next. Points are independent of each other, so budgets,
/// methods and seeds may.
nlohmann::json settings_of(const SweepRequest& request,
                           const SweepCommand& command,
                           const Graph& network) {
  return {{"network", print_graph(network)},
          {"data", request.data},
          {"image-size", command.data.image_size},
          {"epochs", request.epochs},
          {"retrain-epochs", request.retrain_epochs},
          {"inherit", request.inherit},
          {"options", command.passed_on.given()}};
}

/// Makes the folder, or goes on in one that was asked for the same.
/// settings_of_speed() as they are called on the command line.
std::set<std::string> options_of_speed() {
  std::set<std::string> options;
  for (std::string name : settings_of_speed()) {
    std::ranges::replace(name, '_', '-');
    options.insert("--" + name);
  }
  return options;
}

void begin(const SweepRequest& request, const nlohmann::json& settings) {
  const std::filesystem::path file = request.root / kRequestFile;
  if (std::filesystem::exists(file)) {
    const auto difference = first_difference(read_json(file), settings, options_of_speed());
    if (difference) {
      const bool is_short = difference->place != "network";
      throw Error(cat("'",
                      request.root.string(),
                      "' holds a sweep with ",
                      is_short ? cat(difference->place,
                                     " = ",
                                     difference->before.dump(),
                                     ", this one has ",
                                     difference->now.dump())
                               : std::string("another network"),
                      ": go on with the same settings or choose another folder with --out"));
    }
  } else if (std::filesystem::exists(request.root / "run.json")) {
    throw Error(
        cat("'", request.root.string(), "' holds a run already; choose another folder with --out"));
  }
  write_file(file, settings.dump(1) + "\n");
  write_file(request.network, settings.at("network").get<std::string>());
}

/// With several at once on one CPU each gets its share of the cores.
std::map<std::string, std::string> environment_for(int64_t jobs) {
  std::map<std::string, std::string> environment;
  if (getenv("OMP_WAIT_POLICY") == nullptr) environment["OMP_WAIT_POLICY"] = "passive";
  if (jobs > 1 && getenv("OMP_NUM_THREADS") == nullptr) {
    const auto cores = static_cast<int64_t>(std::thread::hardware_concurrency());
    environment["OMP_NUM_THREADS"] = cat(std::max<int64_t>(1, cores / jobs));
  }
  return environment;
}

std::vector<std::string> resources_of(const std::vector<std::string>& budgets) {
  std::vector<std::string> resources;
  for (const std::string& budget : budgets) {
    const std::string cost = parse_budget(budget).cost;
    if (std::find(resources.begin(), resources.end(), cost) == resources.end()) {
      resources.push_back(cost);
    }
  }
  return resources;
}

/// The same table for people that the page has.
std::string format_results(const SweepReport& sweep) {
  std::vector<std::vector<std::string>> rows = {{"method", "budget"}};
  const std::vector<std::string> columns = sweep_columns(sweep);
  for (const std::string& resource : columns) {
    rows[0].push_back(resource_column(resource));
  }
  rows[0].insert(rows[0].end(), {"top-1 %", "deviation", "seeds", "epochs", "weights"});
  for (const SweepCell& cell : summarize(sweep)) {
    std::vector<std::string> row = {cell.method, cell.budget.empty() ? "-" : cell.budget};
    for (const std::string& resource : columns) {
      row.push_back(format_count(cell.costs.at(resource)));
    }
    row.insert(row.end(),
               {fixed(cell.mean, 2),
                cell.count > 1 ? fixed(cell.deviation, 2) : "-",
                cat(cell.count),
                cat(cell.epochs),
                cell.inherited ? "inherited" : "fresh"});
    rows.push_back(row);
  }
  return format_table(rows);
}

/// One sweep from the first point to the last.
class Sweep {
 public:
  Sweep(const SweepCommand& command, SweepRequest request, SweepReport report)
      : command_(command),
        request_(std::move(request)),
        points_(plan_points(request_)),
        blank_(std::move(report)),
        progress_(points_),
        start_(std::chrono::steady_clock::now()) {}

  void run() {
    std::cout << points_.size() << " points, " << progress_.points_done()
              << " done before; logs in " << (request_.root / "points").string() << "\n";
    RunnerOptions options{.jobs = command_.jobs,
                          .devices = command_.devices,
                          .environment = environment_for(command_.jobs),
                          .stop = &stop_on_signal()};
    options.on_end = [&](const SweepPoint& point, const SweepFailure* failure) {
      tell(point, failure);
    };
    options.on_pause = [&](const auto& running) { show(running); };
    const RunnerResult result = run_points(points_, options);
    clear_line();
    report(result.failures);
    print_results();
    if (result.interrupted) {
      throw Error(cat("stopped at ",
                      progress_.points_done(),
                      " of ",
                      points_.size(),
                      " points; the same command goes on from there"));
    }
    if (!result.failures.empty()) {
      throw Error(cat(result.failures.size(),
                      " of ",
                      points_.size(),
                      " points failed; the same command tries them again"));
    }
  }

 private:
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  static bool on_terminal() { return standard_output() == ProgressTarget::kTerminal; }

  static void clear_line() {
    if (on_terminal()) std::cout << "\r\x1b[K" << std::flush;
  }

  /// Collects what there is and writes it, so that the page shows a sweep that still runs.
  void report(const std::vector<SweepFailure>& failures) {
    report_ = with_results(blank_, request_, points_);
    report_.failures = failures;
    write_results(report_, request_);
  }

  void print_results() const {
    std::cout << "\n" << format_results(report_) << "\n";
    for (const SweepFailure& failure : report_.failures) {
      std::cout << "failed: " << failure.point << ": " << failure.reason << "\n        see "
                << failure.log << "\n";
    }
    std::cout << (request_.root / "sweep.html").string() << "\n";
  }

  void tell(const SweepPoint& point, const SweepFailure* failure) {
    if (failure != nullptr) failures_.push_back(*failure);
    report(failures_);
    clear_line();
    std::cout << point.label();
    if (failure != nullptr) std::cout << "  FAILED: " << failure->reason;
    const std::string folder = point.folder.filename().string();
    for (const SweepRow& row : report_.rows) {
      if (std::filesystem::path(row.folder).filename() != folder) continue;
      std::vector<std::string> about;
      if (row.method != point.method) about.push_back(row.method);
      if (row.inherited) about.emplace_back("inherited");
      std::cout << "  top-1 " << fixed(row.top1, 2) << " %"
                << (about.empty() ? "" : cat(" (", join(about, ", "), ")"));
    }
    std::cout << "  (" << progress_.text(elapsed()) << ")" << std::endl;
    last_line_ = elapsed();
  }

  /// On a terminal a line that is rewritten each second; else a line each minute.
  void show(const std::vector<const SweepPoint*>& running) {
    const double between = on_terminal() ? 1 : 60;
    if (running.empty() || elapsed() < last_line_ + between) return;
    last_line_ = elapsed();
    std::string text = progress_.text(elapsed());
    for (const SweepPoint* point : running) text += cat("  ", point->label());
    if (on_terminal()) {
      std::cout << "\r\x1b[K" << text.substr(0, terminal_columns()) << std::flush;
    } else {
      std::cout << text << std::endl;
    }
  }

  const SweepCommand& command_;
  SweepRequest request_;
  std::vector<SweepPoint> points_;
  SweepReport blank_;
  SweepProgress progress_;
  std::chrono::steady_clock::time_point start_;
  double last_line_ = 0;
  SweepReport report_;
  std::vector<SweepFailure> failures_;
};

void sweep_network(const SweepCommand& command) {
  check(command);
  const SweepRequest request = make_request(command);
  std::string data_name;
  Network network;
  {
    const DataSplits data = command.data.open(command.first_seed);
    data_name = data.name;
    network = load_network(command.network, &data);
  }
  if (network.params) {
    std::cout << "note: the weights of " << command.network
              << " are not used; every point starts from fresh ones\n";
  }
  begin(request, settings_of(request, command, network.graph));
  SweepReport report{.title = cat(network_name(command.network), " on ", data_name),
                     .command = command_line(),
                     .started = timestamp(),
                     .data = command.data.specification,
                     .versions = versions(),
                     .costs = resources_of(request.budgets)};
  Sweep(command, request, report).run();
}

void add_sweep_options(CLI::App& sub, SweepCommand& command) {
  sub.add_option("--budgets",
                 command.budgets,
                 "What the networks may cost: flops=0.75x,0.5x,0.25x, or of several costs: "
                 "flops=0.5x,params=0.5x")
      ->required()
      ->type_name("COST=AMOUNT,…");
  sub.add_option(
         "--methods",
         command.methods,
         "morphnet; uniform: all widths times one factor; l1: as morphnet, but every channel "
         "is charged alike; random: a random structure at the same cost")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("METHOD,…")
      ->default_str(join(sweep_methods(), ","));
  sub.add_option("--seeds", command.seeds, "How often each point is trained, with seeds in a row")
      ->capture_default_str();
  sub.add_option("--seed", command.first_seed, "The first of the seeds")->capture_default_str();
  sub.add_option("--jobs", command.jobs, "Points trained at once, each a process of its own")
      ->capture_default_str();
  sub.add_option("--device",
                 command.devices,
                 "cpu, cuda or cuda:N; of several, such as cuda:0,cuda:1, each gets its share of "
                 "the jobs")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  sub.add_option("--epochs", command.epochs, "Epochs of learning a structure")
      ->capture_default_str();
  sub.add_option("--retrain-epochs",
                 command.retrain_epochs,
                 "Epochs of training every network from fresh weights (default: twice --epochs)");
  sub.add_flag("--inherit",
               command.inherit,
               "Train learned networks also from the weights their channels have");
  sub.add_option("--out", command.out, "Folder of the sweep")->required()->type_name("DIR");
}

}  // namespace

void add_sweep(CLI::App& app) {
  auto command = std::make_shared<SweepCommand>();
  CLI::App* sub = app.add_subcommand(
      "sweep", "Train a network at several budgets by several methods, and draw the trade-off");
  sub->add_option("NET", command->network, "zoo:NAME, X.morph or X.onnx")->required();
  command->data.add_to(*sub);
  add_sweep_options(*sub, *command);
  command->passed_on.add_to(*sub,
                            *other_commands().get_subcommand("learn"),
                            {"--weights",
                             "--budget",
                             "--cost",
                             "--compare",
                             "--resume",
                             "--structure",
                             "--missing",
                             "--at-least-one",
                             "--help",
                             "--help-all"});
  sub->footer(
      "Every point is a run of `morphnet learn` or `train` in DIR/points, with its log; options "
      "of\n"
      "theirs are handed on to them. Writes results.json, results.csv, sweep.html and a picture "
      "of\n"
      "each curve into DIR. Ctrl-C stops it; the same command goes on where it was, runs what "
      "failed\n"
      "again, and nothing that has ended. --budgets, --methods and --seeds may grow from call to "
      "call.");
  sub->callback([command] { sweep_network(*command); });
}

}  // namespace morph
