#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include "morph/analysis/shapes.h"
#include "morph/data/dataset.h"
#include "morph/data/synthetic.h"
#include "morph/ir/text.h"
#include "morph/nn/graph_module.h"
#include "morph/nn/params.h"

namespace morph::test {

/// Two convolutions with batch normalisation, dropout and a dense layer, for 12 × 12 images.
inline constexpr const char* kTinyNetwork = R"(morph 1
network "tiny"
input = Input() shape=[1, 3, 12, 12]
conv1 = Conv(input; weight=[6, 3, 3, 3]) pads=[1, 1, 1, 1]
bn1 = BatchNormalization(conv1; bias=[6], running_mean=[6], running_var=[6], weight=[6])
relu1 = Relu(bn1)
conv2 = Conv(relu1; weight=[20, 6, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
bn2 = BatchNormalization(conv2; bias=[20], running_mean=[20], running_var=[20], weight=[20])
relu2 = Relu(bn2)
pool = GlobalAveragePool(relu2)
flat = Flatten(pool)
drop = Dropout(flat) ratio=0.1
fc = Gemm(drop; bias=[4], weight=[4, 20])
return fc
)";

/// One dense layer that returns the two pixels of an image times a matrix.
inline constexpr const char* kTwoPixels = R"(morph 1
network "two-pixels"
input = Input() shape=[1, 1, 1, 2]
flat = Flatten(input)
fc = Gemm(flat; bias=[2], weight=[2, 2])
return fc
)";

/// Runs on one thread from here on: the tensors are tiny, and sums come out the same everywhere.
inline GraphModule make_module(const std::string& text, uint64_t seed = 1) {
  at::set_num_threads(1);
  Graph graph = infer_shapes(parse_graph(text));
  Params params = initial_params(graph, seed);
  return GraphModule(std::move(graph), std::move(params));
}

/// Four kinds of striped 12 × 12 images.
inline DataSplits stripes(int64_t train = 200, int64_t test = 50) {
  return make_synthetic({.classes = 4,
                         .shape = {.channels = 3, .height = 12, .width = 12},
                         .train = train,
                         .test = test});
}

/// Images of 1 × 1 × 2 pixels, given as pairs of bytes with a class.
class PixelPairs : public Dataset {
 public:
  struct Example {
    uint8_t left;
    uint8_t right;
    int64_t label;
  };

  explicit PixelPairs(std::vector<Example> examples) : examples_(std::move(examples)) {}

  int64_t size() const override { return static_cast<int64_t>(examples_.size()); }
  ImageShape shape() const override { return {.channels = 1, .height = 1, .width = 2}; }
  std::span<const std::string> classes() const override { return classes_; }
  int64_t get(int64_t i, std::span<uint8_t> pixels) const override {
    const Example& example = examples_[static_cast<size_t>(i)];
    pixels[0] = example.left;
    pixels[1] = example.right;
    return example.label;
  }

 private:
  std::vector<Example> examples_;
  std::vector<std::string> classes_ = {"left", "right"};
};

/// A folder that is empty at first and gone afterwards.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& name)
      : path_(std::filesystem::path(MORPH_BINARY_DIR) / "scratch" / ("train_" + name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace morph::test
