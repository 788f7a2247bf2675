#include "morph/data/dataset.h"

#include <array>
#include <optional>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/data/cifar10.h"
#include "morph/data/fashion_mnist.h"
#include "morph/data/image_folder.h"
#include "morph/data/specification.h"
#include "morph/data/synthetic.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

DataSplits open_fashion_mnist_set(const DataSpecification& specification,
                                  const DataOptions& options) {
  check_data_options(specification, {});
  const std::array<std::string, 2> markers = {"train-images-idx3-ubyte.gz",
                                              "train-images-idx3-ubyte"};
  const fs::path folder = data_folder(specification, options.root, markers);
  return open_fashion_mnist(folder.empty() ? fashion_mnist_package_folder() : folder);
}

DataSplits open_cifar10_set(const DataSpecification& specification, const DataOptions& options) {
  check_data_options(specification, {});
  const std::array<std::string, 2> markers = {"cifar-10-batches-bin", "batches.meta.txt"};
  const fs::path folder = data_folder(specification, options.root, markers);
  return open_cifar10(folder.empty() ? fs::path(".") : folder);
}

DataSplits open_folder_set(const DataSpecification& specification, const DataOptions& options) {
  const std::array<std::string, 1> known = {"size"};
  check_data_options(specification, known);
  if (specification.path.empty() && options.root.empty()) {
    throw Error(cat("data '", specification.text, "': expected a folder, as in folder:DIR"));
  }
  return open_image_folder(
      options.root / specification.path,
      {.image_size = positive_data_option(specification, "size", options.image_size)});
}

ImageShape parse_shape(const DataSpecification& specification, ImageShape otherwise) {
  const auto option = specification.options.find("input");
  if (option == specification.options.end()) return otherwise;
  const std::string what = cat("data '", specification.text, "': input");
  const std::vector<std::string> sides = split(option->second, 'x');
  if (sides.size() != 3) {
    throw Error(
        cat(what, ": expected CHANNELSxHEIGHTxWIDTH such as 3x32x32, got '", option->second, "'"));
  }
  return {.channels = parse_int(sides[0], what),
          .height = parse_int(sides[1], what),
          .width = parse_int(sides[2], what)};
}

DataSplits open_synthetic_set(const DataSpecification& specification, const DataOptions& options) {
  const std::array<std::string, 4> known = {"classes", "input", "train", "test"};
  check_data_options(specification, known);
  if (!specification.path.empty()) {
    throw Error(cat("data '", specification.text, "': it takes no path; options follow a '?'"));
  }
  SyntheticOptions result{.seed = options.seed};
  result.classes = positive_data_option(specification, "classes", result.classes);
  result.train = positive_data_option(specification, "train", result.train);
  result.test = positive_data_option(specification, "test", result.test);
  result.shape = parse_shape(specification, result.shape);
  return make_synthetic(result);
}

struct KnownSet {
  const char* name;
  const char* description;
  DataSplits (*open)(const DataSpecification&, const DataOptions&);
};

constexpr std::array kSets = {
    KnownSet{"fashion-mnist",
             "grey 28x28 clothes, 10 classes; IDX files of the Debian package "
             "dataset-fashion-mnist, or fashion-mnist:DIR",
             open_fashion_mnist_set},
    KnownSet{"cifar10",
             "colour 32x32 photographs, 10 classes; cifar10:DIR of the binary files",
             open_cifar10_set},
    KnownSet{"folder",
             "folder:DIR[?size=32], JPEG and PNG in DIR/train/<class> and DIR/test/<class>",
             open_folder_set},
    KnownSet{"synthetic",
             "made up, needs no files; synthetic?classes=10&input=3x32x32&train=2048&test=512",
             open_synthetic_set},
};

}  // namespace

const std::vector<DataName>& data_names() {
  static const std::vector<DataName> names = [] {
    std::vector<DataName> result;
    result.reserve(kSets.size());
    for (const KnownSet& set : kSets) result.push_back({set.name, set.description});
    return result;
  }();
  return names;
}

DataSplits open_data(std::string_view specification, const DataOptions& options) {
  const DataSpecification parsed = parse_data_specification(specification);
  std::vector<std::string> names;
  for (const KnownSet& set : kSets) {
    if (parsed.name == set.name) return set.open(parsed, options);
    names.emplace_back(set.name);
  }
  throw Error(cat("unknown data set '",
                  parsed.name,
                  "'.",
                  did_you_mean(parsed.name, names),
                  " Known: ",
                  join(names, ", "),
                  "."));
}

}  // namespace morph
