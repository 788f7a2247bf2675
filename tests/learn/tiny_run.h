#pragma once

#include <atomic>
#include <ostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <utility>

#include "train/fixtures.h"

#include "morph/learn/learn.h"

namespace morph::test {

/// A network of twice 32 channels and a dense layer, for the striped 12 × 12 images.
inline constexpr const char* kLearner = R"(morph 1
network learner
input = Input() shape=[1, 3, 12, 12]
conv1 = Conv(input; weight=[32, 3, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
bn1 = BatchNormalization(conv1; bias=[32], running_mean=[32], running_var=[32], weight=[32])
relu1 = Relu(bn1)
conv2 = Conv(relu1; weight=[32, 32, 3, 3]) strides=[2, 2] pads=[1, 1, 1, 1]
bn2 = BatchNormalization(conv2; bias=[32], running_mean=[32], running_var=[32], weight=[32])
relu2 = Relu(bn2)
pool = GlobalAveragePool(relu2)
flat = Flatten(pool)
fc = Gemm(flat; bias=[4], weight=[4, 32])
return fc
)";

/// Text that raises a flag once `trigger` has been written.
class StopAtText : public std::stringbuf {
 public:
  explicit StopAtText(std::string trigger) : trigger_(std::move(trigger)) {}

  std::atomic<bool> stop = false;

 protected:
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    const std::streamsize done = std::stringbuf::xsputn(text, count);
    if (!trigger_.empty() && str().find(trigger_) != std::string::npos) stop = true;
    return done;
  }

 private:
  std::string trigger_;
};

/// A run in a scratch folder, on one thread.
class TinyRun {
 public:
  /// If `stop_at` is not empty, the run is asked to stop once that text has been printed.
  explicit TinyRun(const std::filesystem::path& root,
                   ExistingRun existing = ExistingRun::kRefuse,
                   const std::string& stop_at = "")
      : folder_(root, existing), buffer_(stop_at), out_(&buffer_) {
    at::set_num_threads(1);
  }

  Session session() {
    return {.data = stripes(), .folder = folder_, .out = out_, .stop = &buffer_.stop};
  }
  std::string printed() const { return buffer_.str(); }
  const RunFolder& folder() const { return folder_; }

 private:
  RunFolder folder_;
  StopAtText buffer_;
  std::ostream out_;
};

inline Network seed_network() { return {.graph = infer_shapes(parse_graph(kLearner))}; }

inline LearnOptions tiny_options() {
  LearnOptions options;
  options.budgets = {parse_budget("flops=0.5x")};
  options.structure = {.epochs = 3, .batch_size = 20, .final_rate = 0.1, .seed = 2};
  options.retrain = {.epochs = 2, .batch_size = 20, .seed = 2};
  return options;
}

}  // namespace morph::test
