#include "morph/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>

#include <ATen/Context.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include "morph/base/file.h"
#include "morph/base/strings.h"
#include "morph/ir/text.h"
#include "morph/train/evaluate.h"
#include "morph/train/generators.h"
#include "morph/train/trainee.h"
#include "morph/train/training_checkpoint.h"

namespace morph {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSecondsBetweenReadings = 0.5;
constexpr int64_t kEvaluationBatch = 256;
constexpr int64_t kEvaluationBatchOnGpu = 1024;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double share(double part, int64_t whole) {
  return whole == 0 ? 0 : part / static_cast<double>(whole);
}

/// Throws Error unless the network takes the data's images and has an output for each class.
void check_fit(const Graph& graph, const DataSplits& data) {
  if (!data.train || !data.test) throw Error("training needs a training and a test set");
  if (graph.inputs().size() != 1 || graph.outputs().size() != 1) {
    throw Error(cat("network '",
                    graph.name(),
                    "' has ",
                    graph.inputs().size(),
                    " inputs and ",
                    graph.outputs().size(),
                    " outputs, training expects one of each"));
  }
  const Shape& input = graph[graph.inputs().front()].shape;
  const Shape& output = graph[graph.outputs().front()].shape;
  const auto classes = static_cast<int64_t>(data.train->classes().size());
  for (const Dataset* half : {data.train.get(), data.test.get()}) {
    const ImageShape image = half->shape();
    const Shape expected = {1, image.channels, image.height, image.width};
    if (input != expected) {
      throw Error(cat("network '",
                      graph.name(),
                      "' takes ",
                      format_shape(input),
                      ", the images of ",
                      data.name,
                      " are ",
                      format_shape(expected)));
    }
    if (half->size() == 0) throw Error(cat(data.name, " has no images to train or test on"));
  }
  if (output != Shape{1, classes}) {
    throw Error(cat("network '",
                    graph.name(),
                    "' returns ",
                    format_shape(output),
                    ", ",
                    data.name,
                    " has ",
                    classes,
                    " classes: expected ",
                    format_shape({1, classes})));
  }
}

/// Throws Error unless there is a teacher where one is asked for, and it teaches what is learned.
void check_teacher(const GraphModule* teacher,
                   const GraphModule& module,
                   const TrainOptions& options) {
  if (options.distillation == 0) return;
  if (teacher == nullptr) throw Error("distillation needs a teacher: a trained network");
  const auto shapes = [](const Graph& graph) {
    return std::pair(graph[graph.inputs().front()].shape, graph[graph.outputs().front()].shape);
  };
  if (shapes(teacher->graph()) != shapes(module.graph())) {
    throw Error(cat("the teacher '",
                    teacher->graph().name(),
                    "' takes or returns other shapes than '",
                    module.graph().name(),
                    "'"));
  }
  MORPH_CHECK(!teacher->training() && teacher->device() == module.device());
}

BatchOptions training_batches(const GraphModule& module,
                              const TrainOptions& options,
                              const Normalization& normalization) {
  return {.batch_size = options.batch_size,
          .shuffle = true,
          .drop_single = true,
          .crop_padding = options.crop_padding,
          .flip = options.flip,
          .normalization = normalization,
          .seed = options.seed,
          .workers = options.workers,
          .pinned = module.device().is_cuda()};
}

BatchOptions test_batches(const GraphModule& module,
                          const TrainOptions& options,
                          const Normalization& normalization) {
  return {.batch_size = module.device().is_cuda() ? kEvaluationBatchOnGpu : kEvaluationBatch,
          .normalization = normalization,
          .workers = options.workers,
          .pinned = module.device().is_cuda()};
}

/// Where a run is.
struct Position {
  int64_t epochs_done = 0;
  int64_t batch = 0;     // Batches done in the epoch under way.
  int64_t examples = 0;  // In them.
  double seconds = 0;    // Spent on them before the last resume.
};

/// Sums over the epoch under way.
struct Totals {
  double loss = 0;  // Over examples.
  double correct = 0;
  double penalty = 0;  // Over steps.
};

std::string first_different_line(const std::string& ours, const std::string& theirs) {
  const std::vector<std::string> a = split(ours, '\n');
  const std::vector<std::string> b = split(theirs, '\n');
  size_t line = 0;
  while (line < std::min(a.size(), b.size()) && a[line] == b[line]) ++line;
  const auto text = [&](const std::vector<std::string>& lines) {
    return line < lines.size() ? lines[line] : std::string("nothing");
  };
  return cat("line ", line + 1, " of its graph is '", text(b), "', here it is '", text(a), "'");
}

/// Throws Error naming the first key whose value differs.
void check_equal(const nlohmann::json& ours,
                 const nlohmann::json& theirs,
                 const std::string& file) {
  for (const auto& [key, value] : ours.items()) {
    const nlohmann::json other = theirs.contains(key) ? theirs.at(key) : nlohmann::json();
    if (settings_of_speed().contains(key) || other == value) continue;
    throw Error(cat("the checkpoint ",
                    file,
                    " was made with ",
                    key,
                    " ",
                    other.dump(),
                    ", this run has ",
                    value.dump(),
                    ": go on with the same settings or use another folder"));
  }
}

}  // namespace

class Trainer::State {
 public:
  State(GraphModule& module, const DataSplits& data, const TrainOptions& options);

  TrainSummary run();
  void checkpoint_to(std::filesystem::path folder, double minutes);
  bool resume_from(const std::filesystem::path& folder);
  void set_penalty(Penalty* penalty);

  void set_teacher(const GraphModule* teacher);

  std::vector<Callback*> callbacks;
  const std::atomic<bool>* stop = nullptr;

 private:
  bool is_done() const;
  void train_epoch();
  void after_step();
  void finish_epoch();
  Totals read_totals() const;
  StepReport step_report(const Totals& totals) const;
  double seconds_in_epoch() const { return position_.seconds + seconds_since(epoch_start_); }
  void save();
  nlohmann::json settings() const;
  nlohmann::json callback_states() const;
  void restore(const TrainingCheckpoint& checkpoint, const std::string& file);
  void restore_tensors(const std::map<std::string, at::Tensor>& tensors, const std::string& file);
  void restore_callbacks(const nlohmann::json& states, const std::string& file);

  GraphModule& module_;
  DataSplits data_;
  TrainOptions options_;
  Normalization normalization_;
  std::unique_ptr<BatchSource> train_batches_;
  std::unique_ptr<BatchSource> test_batches_;
  int64_t steps_;  // In an epoch.
  std::unique_ptr<Trainee> trainee_;
  Penalty* penalty_ = nullptr;
  const GraphModule* teacher_ = nullptr;
  std::string teacher_weights_;  // Their fingerprint.

  std::optional<std::filesystem::path> folder_;
  double seconds_between_checkpoints_ = 0;
  bool resumed_ = false;

  Position position_;
  std::vector<EpochReport> reports_;
  double evaluation_seconds_ = 0;
  Clock::time_point epoch_start_;
  Clock::time_point last_reading_;
  Clock::time_point last_checkpoint_;
};

Trainer::State::State(GraphModule& module, const DataSplits& data, const TrainOptions& options)
    : module_(module),
      data_((validate(options), check_fit(module.graph(), data), data)),
      options_(options),
      normalization_(measure_normalization(*data.train)),
      train_batches_(make_batches(
          data.train, training_batches(module, options, normalization_), module.device())),
      test_batches_(
          make_batches(data.test, test_batches(module, options, normalization_), module.device())),
      steps_(train_batches_->batches()),
      trainee_(std::make_unique<Trainee>(module, *train_batches_, options, /*as_it_is=*/false)) {
  if (steps_ == 0) {
    throw Error(cat(data.name,
                    " has ",
                    data.train->size(),
                    " images to train on, too few for a single batch of at least 2"));
  }
  if (module.device().is_cuda()) at::globalContext().setBenchmarkCuDNN(true);
}

TrainSummary Trainer::State::run() {
  if (!resumed_) {
    seed_generators(options_.seed);
    if (folder_) remove_checkpoint(*folder_);
  }
  trainee_->step().set_penalty(penalty_);
  check_teacher(teacher_, module_, options_);
  trainee_->step().set_teacher(teacher_);
  trainee_->step().start_at(position_.epochs_done * steps_ + position_.batch);
  last_reading_ = last_checkpoint_ = Clock::now();
  while (position_.epochs_done < options_.epochs && !is_done()) train_epoch();
  return {.epochs = reports_, .final = reports_.back().test};
}

bool Trainer::State::is_done() const {
  return std::ranges::any_of(callbacks, [](const Callback* one) { return one->is_done(); });
}

void Trainer::State::train_epoch() {
  const int64_t epoch = position_.epochs_done + 1;
  if (position_.batch == 0) {
    for (Callback* callback : callbacks) callback->on_epoch_start(epoch);
  }
  trainee_->module().set_training(true);
  epoch_start_ = Clock::now();
  if (position_.batch < steps_) train_batches_->start_epoch(epoch, position_.batch);
  while (position_.batch < steps_) {
    const int64_t examples = std::min(
        options_.batch_size, train_batches_->examples() - position_.batch * options_.batch_size);
    trainee_->step().run(examples);
    ++position_.batch;
    position_.examples += examples;
    if (penalty_ != nullptr) {
      penalty_->after_step(position_.epochs_done * steps_ + position_.batch);
    }
    after_step();
  }
  finish_epoch();
}

void Trainer::State::after_step() {
  const bool last = position_.batch == steps_;
  const bool stopping = stop != nullptr && stop->load();
  const bool saving =
      folder_.has_value() &&
      (stopping || (!last && seconds_since(last_checkpoint_) >= seconds_between_checkpoints_));
  if (!last && !saving && !stopping && seconds_since(last_reading_) < kSecondsBetweenReadings)
    return;
  const StepReport report = step_report(read_totals());
  last_reading_ = Clock::now();
  if (saving) save();
  for (Callback* callback : callbacks) callback->on_step(report);
  if (!stopping) return;
  trainee_->copy_back();
  throw Interrupted(cat("stopped at epoch ",
                        report.epoch,
                        ", step ",
                        report.step,
                        " of ",
                        steps_,
                        folder_ ? cat("; to go on, resume from ", folder_->string()) : ""));
}

Totals Trainer::State::read_totals() const {
  const at::Tensor totals = trainee_->step().totals().to(at::kCPU);
  const double* values = totals.const_data_ptr<double>();
  if (!std::isfinite(values[0]) || !std::isfinite(values[2])) {
    throw Error(cat("training has diverged: at epoch ",
                    position_.epochs_done + 1,
                    ", step ",
                    position_.batch,
                    " of ",
                    steps_,
                    ", the mean loss so far is ",
                    share(values[0], position_.examples),
                    " and the penalty ",
                    share(values[2], position_.batch),
                    ". Lower the learning rate (--learning-rate, ",
                    options_.learning_rate,
                    " now)",
                    penalty_ != nullptr ? " or the strength of the regularizer (--strength)" : ""));
  }
  return {.loss = values[0], .correct = values[1], .penalty = values[2]};
}

StepReport Trainer::State::step_report(const Totals& totals) const {
  const double seconds = seconds_in_epoch();
  const int64_t epochs_left = options_.epochs - position_.epochs_done - 1;
  const int64_t steps_left = steps_ - position_.batch + epochs_left * steps_;
  return {.epoch = position_.epochs_done + 1,
          .epochs = options_.epochs,
          .step = position_.batch,
          .steps = steps_,
          .loss = share(totals.loss, position_.examples),
          .top1 = 100 * share(totals.correct, position_.examples),
          .images_per_second = static_cast<double>(position_.examples) / seconds,
          .eta_seconds = share(seconds, position_.batch) * static_cast<double>(steps_left) +
                         evaluation_seconds_ * static_cast<double>(epochs_left + 1)};
}

void Trainer::State::finish_epoch() {
  const Totals totals = read_totals();
  const StepReport last = step_report(totals);
  EpochReport report = {
      .epoch = last.epoch,
      .epochs = last.epochs,
      .loss = last.loss,
      .penalty = share(totals.penalty, steps_),
      .learning_rate = learning_rate_at(options_, last.epoch * steps_ - 1, steps_),
      .train_top1 = last.top1,
      .seconds = seconds_in_epoch(),
      .images_per_second = last.images_per_second,
  };
  trainee_->copy_back();
  const Clock::time_point start = Clock::now();
  report.test = evaluate(trainee_->module(), *test_batches_);
  evaluation_seconds_ = seconds_since(start);
  for (Callback* callback : callbacks) callback->on_epoch(report);
  reports_.push_back(std::move(report));
  position_ = {.epochs_done = position_.epochs_done + 1};
  trainee_->step().totals().zero_();
  if (folder_) save();
}

void Trainer::State::set_penalty(Penalty* penalty) {
  penalty_ = penalty;
  if (penalty == nullptr || !trainee_->is_padded()) return;
  trainee_ = std::make_unique<Trainee>(module_, *train_batches_, options_, /*as_it_is=*/true);
}

void Trainer::State::set_teacher(const GraphModule* teacher) {
  teacher_ = teacher;
  if (teacher != nullptr) teacher_weights_ = fingerprint(teacher->params());
}

void Trainer::State::checkpoint_to(std::filesystem::path folder, double minutes) {
  make_writable_folder(folder);
  folder_ = std::move(folder);
  seconds_between_checkpoints_ = 60 * minutes;
}

nlohmann::json Trainer::State::settings() const {
  nlohmann::json json = describe(options_);
  json["data"] = data_.name;
  json["train_examples"] = data_.train->size();
  json["device"] = module_.device().is_cuda() ? "cuda" : "cpu";
  if (teacher_ != nullptr) json["teacher_weights"] = teacher_weights_;
  return json;
}

nlohmann::json Trainer::State::callback_states() const {
  nlohmann::json states = nlohmann::json::array();
  for (const Callback* callback : callbacks) {
    nlohmann::json state = callback->save();
    if (!state.is_null()) states.push_back(std::move(state));
  }
  return states;
}

void Trainer::State::save() {
  const Totals totals = read_totals();
  nlohmann::json reports = nlohmann::json::array();
  for (const EpochReport& report : reports_) reports.push_back(describe(report));
  TrainingCheckpoint checkpoint = {
      .position = cat(position_.epochs_done, "-", position_.batch),
      .state = {{"settings", settings()},
                {"graph", print_graph(module_.graph())},
                {"epochs_done", position_.epochs_done},
                {"batch", position_.batch},
                {"step", position_.epochs_done * steps_ + position_.batch},
                {"examples", position_.examples},
                {"seconds", position_.batch == 0 ? 0 : seconds_in_epoch()},
                {"totals", {totals.loss, totals.correct, totals.penalty}},
                {"reports", std::move(reports)},
                {"callbacks", callback_states()}},
      .tensors = generator_states(module_.device())};
  checkpoint.tensors.merge(trainee_->state());
  write_checkpoint(*folder_, checkpoint);
  last_checkpoint_ = Clock::now();
}

bool Trainer::State::resume_from(const std::filesystem::path& folder) {
  const std::optional<TrainingCheckpoint> checkpoint = read_checkpoint(folder);
  if (!checkpoint) return false;
  const std::string file = checkpoint_file(folder).string();
  try {
    restore(*checkpoint, file);
  } catch (const nlohmann::json::exception& error) {
    throw Error(
        cat("the checkpoint ", file, " is damaged: ", error.what(), ". Remove it to start over"));
  }
  resumed_ = true;
  return true;
}

void Trainer::State::restore(const TrainingCheckpoint& checkpoint, const std::string& file) {
  const nlohmann::json& state = checkpoint.state;
  check_equal(settings(), state.at("settings"), file);
  const std::string graph = print_graph(module_.graph());
  if (state.at("graph") != graph) {
    throw Error(cat("the checkpoint ",
                    file,
                    " is of another network: ",
                    first_different_line(graph, state.at("graph")),
                    ". Use the same network or another folder"));
  }
  std::vector<EpochReport> reports;
  for (const nlohmann::json& report : state.at("reports")) {
    reports.push_back(parse_epoch_report(report));
  }
  const std::vector<double> totals = state.at("totals");
  if (totals.size() != 3)
    throw Error(cat("the checkpoint ",
                    file,
                    " is damaged: ",
                    totals.size(),
                    " totals, expected 3. Remove it to start over"));
  position_ = {.epochs_done = state.at("epochs_done"),
               .batch = state.at("batch"),
               .examples = state.at("examples"),
               .seconds = state.at("seconds")};
  reports_ = std::move(reports);
  trainee_->step().totals().copy_(at::tensor(totals, at::kDouble));
  restore_tensors(checkpoint.tensors, file);
  restore_callbacks(state.at("callbacks"), file);
}

void Trainer::State::restore_tensors(const std::map<std::string, at::Tensor>& tensors,
                                     const std::string& file) {
  for (const auto& [name, ours] : trainee_->state()) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.sizes() != ours.sizes()) {
      throw Error(cat("the checkpoint ",
                      file,
                      " is damaged: tensor '",
                      name,
                      "' is ",
                      found == tensors.end() ? "missing" : "of another shape",
                      ". Remove the checkpoint to start over"));
    }
    trainee_->set_state(name, found->second);
  }
  trainee_->copy_back();
  restore_generators(module_.device(), tensors);
}

void Trainer::State::restore_callbacks(const nlohmann::json& states, const std::string& file) {
  std::vector<Callback*> with_state;
  for (Callback* callback : callbacks) {
    if (!callback->save().is_null()) with_state.push_back(callback);
  }
  if (with_state.size() != states.size()) {
    throw Error(cat("the checkpoint ",
                    file,
                    " holds the state of ",
                    states.size(),
                    " callbacks, this run has ",
                    with_state.size(),
                    ": it was made by another kind of run; use another folder"));
  }
  for (size_t i = 0; i < states.size(); ++i) with_state[i]->restore(states[i]);
}

Trainer::Trainer(GraphModule& module, const DataSplits& data, const TrainOptions& options)
    : state_(std::make_unique<State>(module, data, options)) {}

Trainer::~Trainer() = default;

void Trainer::set_penalty(Penalty* penalty) { state_->set_penalty(penalty); }

void Trainer::set_teacher(const GraphModule* teacher) { state_->set_teacher(teacher); }

void Trainer::add_callback(Callback* callback) { state_->callbacks.push_back(callback); }

void Trainer::checkpoint_to(std::filesystem::path folder, double minutes) {
  state_->checkpoint_to(std::move(folder), minutes);
}

bool Trainer::resume_from(const std::filesystem::path& folder) {
  return state_->resume_from(folder);
}

void Trainer::stop_when(const std::atomic<bool>* stop) { state_->stop = stop; }

TrainSummary Trainer::run() { return state_->run(); }

}  // namespace morph
