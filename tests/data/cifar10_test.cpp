#include "morph/data/cifar10.h"

#include <string>
#include <vector>

#include "expect_error.h"
#include "scoped_variable.h"
#include "temporary_folder.h"
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/base/file.h"

namespace morph {
namespace {

namespace fs = std::filesystem;

/// A label and planes of one value each.
std::string record(char label, char red, char green, char blue) {
  return label + std::string(1024, red) + std::string(1024, green) + std::string(1024, blue);
}

void write_set(const fs::path& folder) {
  overwrite(folder / "batches.meta.txt",
            "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
  for (char i = 1; i <= 5; ++i) {
    overwrite(folder / cat("data_batch_", int{i}, ".bin"),
              record(i, i, 20, 30) + record(0, i, 21, 31));
  }
  overwrite(folder / "test_batch.bin", record(9, 1, 2, 3) + record(8, 4, 5, 6));
}

class Cifar10Test : public testing::Test {
 protected:
  void SetUp() override { write_set(folder_.path()); }

  TemporaryFolder folder_;
};

TEST_F(Cifar10Test, ReadsTheBatchesInOrder) {
  const DataSplits data = open_data("cifar10:" + folder_.path().string());
  EXPECT_EQ(data.name, "cifar10");
  ASSERT_EQ(data.train->size(), 10);
  ASSERT_EQ(data.test->size(), 2);
  EXPECT_EQ(data.train->shape(), (ImageShape{.channels = 3, .height = 32, .width = 32}));
  EXPECT_EQ(data.test->classes().size(), 10U);
  EXPECT_EQ(data.test->classes()[9], "truck");

  std::vector<uint8_t> pixels(3072);
  EXPECT_EQ(data.train->get(4, pixels), 3);  // The first record of the third file.
  EXPECT_EQ(pixels[0], 3);
  EXPECT_EQ(pixels[1024], 20);
  EXPECT_EQ(pixels[3071], 30);
  EXPECT_EQ(data.test->get(1, pixels), 8);
  EXPECT_EQ(pixels[2048], 6);
}

TEST_F(Cifar10Test, IsFoundInTheArchivesFolderAndByEnvironment) {
  write_set(folder_ / "all/cifar-10-batches-bin");
  EXPECT_EQ(open_cifar10(folder_ / "all").test->size(), 2);
  const ScopedVariable variable("MORPHNET_DATA", (folder_ / "all").string());
  EXPECT_EQ(open_data("cifar10").test->size(), 2);
}

TEST_F(Cifar10Test, NamesAMissingFileAndTheRemedy) {
  fs::remove(folder_ / "data_batch_3.bin");
  EXPECT_ERROR(open_cifar10(folder_.path()),
               (folder_ / "data_batch_3.bin").string() + "': there is no such file");
  EXPECT_ERROR(open_cifar10(folder_.path()), "cifar-10-binary.tar.gz");
  EXPECT_ERROR(open_cifar10(folder_ / "nowhere"), (folder_ / "nowhere/batches.meta.txt").string());
}

TEST_F(Cifar10Test, NamesATruncatedFile) {
  const fs::path path = folder_ / "data_batch_2.bin";
  overwrite(path, record(1, 1, 1, 1) + "abc");
  EXPECT_ERROR(open_cifar10(folder_.path()),
               path.string() + "': expected a multiple of 3073 bytes, got 3076");
  overwrite(path, record(1, 1, 1, 1));
  EXPECT_ERROR(open_cifar10(folder_.path()),
               path.string() + "': expected 2 images, as many as in test_batch.bin, got 1");
  overwrite(path, "");
  EXPECT_ERROR(open_cifar10(folder_.path()), "got 0; the file is truncated or damaged");
}

TEST_F(Cifar10Test, NamesDamagedContent) {
  overwrite(folder_ / "test_batch.bin", record(9, 1, 2, 3) + record(10, 4, 5, 6));
  EXPECT_ERROR(open_cifar10(folder_.path()), "record 1 has label 10, expected 0 to 9");
  overwrite(folder_ / "batches.meta.txt", "airplane\n");
  EXPECT_ERROR(open_cifar10(folder_.path()), "expected the names of 10 classes, got 1");
}

}  // namespace
}  // namespace morph
